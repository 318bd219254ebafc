//! Words of other languages in names of columns and files, and the English word that each stands for: German, Dutch, French, Spanish, Italian, Portuguese
//! and Chinese, without accents. Only words that English columns are hardly ever called are here (`data` is a date in Italian, `tag` a day in German).

/// An English word, and what stands for it elsewhere; of German also the forms within longer words.
const MEANS: [(&str, &[&str]); 81] = [
    // Ids.
    ("id", &["编号", "编码", "代码", "号码", "号", "kennung", "identifiant", "matricule"]),
    ("number", &["nummer", "numero", "nro"]),
    ("code", &["codigo", "codice"]),
    ("key", &["schluessel"]),
    // Who.
    (
        "customer",
        &["kunde", "kunden", "kundin", "kund", "klant", "klanten", "cliente", "clientes", "clienti", "acheteur", "comprador", "客户", "顾客", "买家", "用户"],
    ),
    ("member", &["mitglied", "mitglieds", "mitglieder", "adherent", "adherents", "miembro", "miembros", "socio", "socios", "membro", "会员"]),
    ("account", &["konto", "账户", "账号"]),
    ("contract", &["vertrag", "vertrags", "vertraege", "contrat", "contrats", "contrato", "contratos", "contratto", "contratti", "合同"]),
    (
        "subscription",
        &[
            "abo",
            "abos",
            "abonnement",
            "abonnements",
            "abonnementen",
            "suscripcion",
            "suscripciones",
            "abbonamento",
            "abbonamenti",
            "assinatura",
            "assinaturas",
        ],
    ),
    ("membership", &["mitgliedschaft", "mitgliedschaften", "lidmaatschap", "membresia"]),
    ("card", &["karte", "karten", "carte", "cartes", "kaart", "kaarten", "tarjeta", "tarjetas", "tessera", "tessere", "cartao", "会员卡", "卡"]),
    ("household", &["haushalt", "haushalts", "foyer", "hogar"]),
    // What.
    ("item", &["artikel", "articulo", "articulos", "articolo", "articoli", "artigo", "artigos", "货品"]),
    ("product", &["produkt", "produkte", "produit", "produits", "producto", "productos", "prodotto", "prodotti", "produto", "produtos", "商品", "产品"]),
    // What belongs together.
    (
        "order",
        &[
            "bestellung",
            "bestellungen",
            "bestell",
            "auftrag",
            "auftraege",
            "auftrags",
            "bestelling",
            "bestellingen",
            "commande",
            "commandes",
            "pedido",
            "pedidos",
            "ordine",
            "ordini",
            "encomenda",
            "encomendas",
            "订单",
            "下单",
        ],
    ),
    (
        "invoice",
        &["rechnung", "rechnungen", "rechnungs", "factuur", "facturen", "facture", "factures", "factura", "facturas", "fattura", "fatture", "fatura", "发票"],
    ),
    ("receipt", &["beleg", "belege", "bon", "bons", "kassenbon", "kassenbons", "scontrino", "scontrini", "小票"]),
    // When.
    ("date", &["datum", "fecha", "日期"]),
    ("time", &["zeit", "uhrzeit", "zeitpunkt", "zeitstempel", "heure", "hora", "ora", "tijd", "时间"]),
    ("day", &["jour", "giorno"]),
    ("birth", &["geburt", "geburts", "geboorte", "naissance", "nacimiento", "nascita", "nascimento", "出生", "生日"]),
    ("start", &["beginn", "anfang", "debut", "inicio", "inizio", "开始"]),
    ("end", &["ende", "einde", "fin", "fim", "结束", "到期"]),
    ("joined", &["eintritt", "eintritts", "adhesion", "inscription", "alta", "iscrizione", "注册", "入会"]),
    // How many, and for how much.
    ("quantity", &["menge", "mengen", "anzahl", "stueck", "stueckzahl", "aantal", "quantite", "qte", "cantidad", "quantita", "quantidade", "数量"]),
    ("price", &["preis", "einzelpreis", "stueckpreis", "verkaufspreis", "vk", "prijs", "prix", "precio", "prezzo", "preco", "单价", "价格", "售价"]),
    ("amount", &["betrag", "summe", "gesamtbetrag", "bedrag", "montant", "importe", "importo", "monto", "金额", "总价"]),
    ("revenue", &["umsatz", "umsaetze", "omzet", "fatturato", "faturamento", "销售额"]),
    ("paid", &["bezahlt", "betaald", "paye", "pagado", "pagato", "pago", "支付", "实付"]),
    ("discount", &["rabatt", "rabatte", "nachlass", "korting", "remise", "descuento", "sconto", "desconto", "折扣"]),
    ("tax", &["steuer", "mwst", "ust", "btw", "tva", "iva", "税"]),
    ("cost", &["kosten", "einkaufspreis", "ek", "cout", "costo", "custo", "成本"]),
    ("shipping", &["versand", "versandkosten", "verzending", "livraison", "envio", "spedizione", "运费"]),
    ("margin", &["marge", "rohertrag", "margen", "margine", "margem", "毛利"]),
    ("points", &["punkte", "punten", "puntos", "punti", "pontos", "积分"]),
    // Where and how.
    ("channel", &["kanal", "kanaal", "canal", "canale", "vertriebskanal", "vertriebsweg", "渠道"]),
    ("type", &["typ", "tipo", "类型"]),
    ("action", &["aktion", "vorgang", "accion", "azione", "acao", "行为", "动作"]),
    ("score", &["bewertung", "bewertungen", "zufriedenheit", "beoordeling", "satisfaccion", "soddisfazione", "satisfacao", "评分", "满意度"]),
    // What it is called, and of what sort.
    (
        "description",
        &["bezeichnung", "bezeichnungen", "beschreibung", "omschrijving", "libelle", "descripcion", "descrizione", "descricao", "名称", "品名", "描述"],
    ),
    (
        "category",
        &[
            "kategorie",
            "kategorien",
            "warengruppe",
            "warengruppen",
            "sparte",
            "sortiment",
            "categorie",
            "rubrique",
            "rayon",
            "categoria",
            "categorias",
            "reparto",
            "类别",
            "分类",
            "品类",
        ],
    ),
    ("brand", &["marke", "marken", "merk", "marque", "marca", "品牌"]),
    ("stock", &["bestand", "lagerbestand", "voorraad", "existencias", "giacenza", "estoque", "库存"]),
    // Persons.
    ("surname", &["nachname", "achternaam", "apellido", "apellidos", "cognome", "sobrenome", "姓名", "姓氏"]),
    ("firstname", &["vorname", "voornaam", "prenom", "名字"]),
    ("phone", &["telefon", "telefonnummer", "handy", "mobil", "telefoon", "telefono", "telefone", "电话", "手机"]),
    ("email", &["courriel", "correo", "邮箱", "邮件"]),
    ("address", &["adresse", "anschrift", "adres", "direccion", "indirizzo", "endereco", "地址"]),
    ("street", &["strasse", "straat", "calle"]),
    ("gender", &["geschlecht", "anrede", "geslacht", "sexe", "civilite", "genero", "sesso", "性别"]),
    // Consent, and leaving.
    ("consent", &["einwilligung", "zustimmung", "toestemming", "consentement", "consentimiento", "consenso", "consentimento", "同意"]),
    ("subscribed", &["abonniert", "abonne", "suscrito", "iscritto", "inscrito", "订阅"]),
    ("blocked", &["gesperrt", "sperre", "werbesperre", "geblokkeerd", "bloque", "bloqueado", "bloccato", "黑名单"]),
    ("churn", &["abwanderung", "abgewandert", "abandono", "abbandono", "流失"]),
    ("cancelled", &["gekuendigt", "kuendigung", "opgezegd", "resilie", "resiliation", "disdetta", "取消", "退订"]),
    // What became of an order.
    ("status", &["orderstatus", "bestellstatus", "auftragsstatus", "bestelstatus", "statut", "estado", "stato", "状态", "订单状态"]),
    (
        "voided",
        &[
            "storniert",
            "storno",
            "stornierung",
            "annulliert",
            "geannuleerd",
            "annule",
            "annulee",
            "annulation",
            "anulado",
            "anulada",
            "anulacion",
            "cancelado",
            "cancelada",
            "cancelacion",
            "cancelamento",
            "annullato",
            "annullata",
            "annullamento",
            "已取消",
            "作废",
        ],
    ),
    ("failed", &["fehlgeschlagen", "abgebrochen", "mislukt", "echoue", "echouee", "fallido", "fallida", "fallito", "fallita", "falhou", "失败", "支付失败"]),
    ("declined", &["abgelehnt", "afgewezen", "refusee", "rechazado", "rechazada", "rifiutato", "rifiutata", "recusado", "recusada", "拒绝", "已拒绝"]),
    ("is", &["ist", "是否"]),
    ("yes", &["ja", "oui", "si", "sim", "是"]),
    // What was done, and the files that tell of it.
    ("purchase", &["kauf", "kaeufe", "einkauf", "einkaeufe", "aankoop", "aankopen", "achat", "achats", "compra", "compras", "acquisto", "acquisti", "购买"]),
    ("sales", &["verkauf", "verkaeufe", "verkoop", "verkopen", "vente", "ventes", "venta", "ventas", "vendita", "vendite", "venda", "vendas", "销售"]),
    (
        "return",
        &[
            "retourniert",
            "zurueckgesandt",
            "zurueckgeschickt",
            "geretourneerd",
            "retourne",
            "retournee",
            "devuelto",
            "devuelta",
            "devolvido",
            "devolvida",
            "restituito",
            "restituita",
            "已退货",
            "retoure",
            "retouren",
            "ruecksendung",
            "ruecksendungen",
            "retour",
            "retours",
            "devolucion",
            "devoluciones",
            "reso",
            "devolucao",
            "退货",
        ],
    ),
    (
        "refund",
        &[
            "erstattet",
            "terugbetaald",
            "rembourse",
            "remboursee",
            "reembolsado",
            "reembolsada",
            "rimborsato",
            "rimborsata",
            "已退款",
            "erstattung",
            "rueckerstattung",
            "remboursement",
            "reembolso",
            "rimborso",
            "退款",
        ],
    ),
    ("cart", &["warenkorb", "winkelwagen", "panier", "carrito", "carrello", "carrinho", "加购", "购物车"]),
    ("view", &["ansicht", "ansichten", "aufruf", "aufrufe", "vue", "vues", "visita", "visitas", "visite", "浏览", "访问"]),
    ("visit", &["besuch", "besuche", "besuchs", "bezoek", "bezoeken"]),
    ("booking", &["buchung", "buchungen", "boeking", "boekingen"]),
    ("reservation", &["reservierung", "reservierungen", "reservering", "reserveringen", "reserva", "reservas", "prenotazione", "prenotazioni"]),
    ("click", &["klick", "klicks", "clic", "clics", "点击"]),
    ("login", &["anmeldung", "anmeldungen", "connexion", "登录"]),
    ("support", &["kundendienst", "anfrage", "anfragen", "soporte", "assistenza", "客服"]),
    (
        "complaint",
        &[
            "beschwerde",
            "beschwerden",
            "reklamation",
            "reklamationen",
            "klacht",
            "klachten",
            "reclamation",
            "reclamations",
            "queja",
            "quejas",
            "reclamo",
            "投诉",
        ],
    ),
    ("survey", &["umfrage", "umfragen", "befragung", "enquete", "encuesta", "encuestas", "sondaggio", "问卷"]),
    ("contact", &["kontakt", "kontakte", "contacto", "contactos", "contatto", "contatti", "触达"]),
    ("campaign", &["kampagne", "kampagnen", "campagne", "campagnes", "campana", "campanas", "campagna", "campanha", "campanhas", "营销活动"]),
    ("group", &["gruppe", "groupe", "grupo", "gruppo", "组", "分组"]),
    ("control", &["kontrolle", "kontroll", "kontrollgruppe", "temoin", "controllo", "对照", "对照组"]),
    ("redemption", &["einloesung", "einloesungen", "utilisation", "utilisations", "canje", "canjes", "inwisseling", "核销"]),
    (
        "offer",
        &["angebot", "angebote", "gutschein", "gutscheine", "aanbieding", "offre", "offres", "oferta", "ofertas", "offerta", "offerte", "优惠券", "优惠"],
    ),
];

/// The English word for a word, or the word itself.
pub(super) fn english(word: &str) -> &str {
    MEANS.iter().find(|(_, others)| others.contains(&word)).map_or(word, |(means, _)| means)
}

/// Whether a name is written in Chinese.
pub(super) fn is_chinese(name: &str) -> bool {
    name.chars().any(|letter| ('\u{4e00}'..='\u{9fff}').contains(&letter))
}

/// Puts a letter behind a word, without its accent, and as German writes it where it cannot write it otherwise.
pub(super) fn push_plain(word: &mut String, letter: char) {
    let plain = match letter {
        'ä' => "ae",
        'ö' => "oe",
        'ü' => "ue",
        'ß' => "ss",
        'à' | 'á' | 'â' | 'ã' | 'å' => "a",
        'ç' => "c",
        'è' | 'é' | 'ê' | 'ë' => "e",
        'ì' | 'í' | 'î' | 'ï' => "i",
        'ñ' => "n",
        'ò' | 'ó' | 'ô' | 'õ' => "o",
        'ù' | 'ú' | 'û' => "u",
        other => return word.push(other),
    };
    word.push_str(plain);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_word_of_another_language_stands_for_two() {
        let mut all: Vec<&str> = MEANS.iter().flat_map(|(_, others)| others.iter().copied()).collect();
        all.sort_unstable();
        let twice: Vec<_> = all.windows(2).filter(|pair| pair[0] == pair[1]).collect();
        assert!(twice.is_empty(), "{twice:?}");
        for word in all {
            let mut plain = String::new();
            word.chars().flat_map(char::to_lowercase).for_each(|letter| push_plain(&mut plain, letter));
            assert_eq!(plain, word);
        }
    }
}
