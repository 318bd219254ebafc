//! The greatest value of a smooth function of a few positive numbers: quasi-Newton steps (BFGS) on their logarithms, which cannot leave
//! the bounds nor go downhill, and therefore always end.

/// Steps at most.
const STEPS: usize = 200;
/// Bounds of the logarithms: e^-12 to e^12.
const BOUND: f64 = 12.0;

/// Maximises `f`, which gives the value and the gradient by the positive numbers themselves. Starts at `start`.
pub fn maximise<const N: usize>(start: [f64; N], f: impl Fn(&[f64; N]) -> (f64, [f64; N])) -> [f64; N] {
    let at = |logs: &[f64; N]| -> (f64, [f64; N]) {
        let numbers = logs.map(libm::exp);
        let (value, slopes) = f(&numbers);
        (value, std::array::from_fn(|place| slopes[place] * numbers[place]))
    };
    let mut logs = start.map(|number| libm::log(number).clamp(-BOUND, BOUND));
    let (mut value, mut slope) = at(&logs);
    // The inverse of the curvature, as far as it is known.
    let identity = |scale: f64| -> [[f64; N]; N] { std::array::from_fn(|row| std::array::from_fn(|column| if row == column { scale } else { 0.0 })) };
    let steepness = |slope: &[f64; N]| slope.iter().map(|part| part * part).sum::<f64>().sqrt();
    let mut inverse = identity(1.0 / steepness(&slope).max(1.0));
    for _ in 0..STEPS {
        let mut step: [f64; N] = std::array::from_fn(|row| (0..N).map(|column| inverse[row][column] * slope[column]).sum());
        let mut gain: f64 = step.iter().zip(&slope).map(|(a, b)| a * b).sum();
        if gain <= 0.0 || !gain.is_finite() {
            inverse = identity(1.0 / steepness(&slope).max(1.0));
            step = std::array::from_fn(|row| inverse[row][row] * slope[row]);
            gain = step.iter().zip(&slope).map(|(a, b)| a * b).sum();
        }
        let mut share = 1.0;
        let (next, there, slope_there) = loop {
            let next: [f64; N] = std::array::from_fn(|place| (logs[place] + share * step[place].clamp(-2.0, 2.0)).clamp(-BOUND, BOUND));
            let (there, slope_there) = at(&next);
            if there.is_finite() && there >= value + 1e-4 * share * gain.min(1e3) {
                break (next, there, slope_there);
            }
            share /= 2.0;
            if share < 1e-9 {
                return logs.map(libm::exp);
            }
        };
        let moved: [f64; N] = std::array::from_fn(|place| next[place] - logs[place]);
        // Slopes of the negative: the function is to be greatest.
        let turned: [f64; N] = std::array::from_fn(|place| slope[place] - slope_there[place]);
        let along: f64 = moved.iter().zip(&turned).map(|(a, b)| a * b).sum();
        if along > 1e-14 {
            let bent: [f64; N] = std::array::from_fn(|row| (0..N).map(|column| inverse[row][column] * turned[column]).sum());
            let total: f64 = turned.iter().zip(&bent).map(|(a, b)| a * b).sum();
            for row in 0..N {
                for column in 0..N {
                    inverse[row][column] +=
                        (along + total) * moved[row] * moved[column] / (along * along) - (bent[row] * moved[column] + moved[row] * bent[column]) / along;
                }
            }
        }
        let improved = there - value;
        (logs, value, slope) = (next, there, slope_there);
        if improved <= 1e-10 * value.abs() && steepness(&slope) <= 1e-5 * value.abs().max(1.0) {
            break;
        }
    }
    logs.map(libm::exp)
}
