/// A set of first and last names that belong together, and the office of most people with such names. A class, because
/// every value of every row reads it and copying would be slow.
final class Culture: Sendable {
    /// One name in its display form and in its form for addresses.
    struct Name: Sendable {
        let shown: String
        let shownBytes: [UInt8]
        let address: String
        let addressBytes: [UInt8]

        init(_ word: Substring) {
            let halves = word.split(separator: "|")
            shown = halves[0].split(separator: "_").joined(separator: " ")
            address = halves.count > 1 ? String(halves[1]) : Self.folded(shown)
            shownBytes = Array(shown.utf8)
            addressBytes = Array(address.utf8)
        }

        private static func folded(_ text: String) -> String {
            let plain: [Character: String] = [
                "ä": "ae", "ö": "oe", "ü": "ue", "ß": "ss", "é": "e", "è": "e", "ê": "e", "ë": "e", "á": "a", "à": "a",
                "â": "a", "ã": "a", "å": "a", "æ": "ae", "ø": "o", "ó": "o", "ô": "o", "õ": "o", "ò": "o", "í": "i",
                "ï": "i", "î": "i", "ú": "u", "ñ": "n", "ç": "c", "ć": "c", "ł": "l", "ś": "s", "ż": "z", "ź": "z",
                "ń": "n", "ą": "a", "ę": "e", "š": "s", "č": "c", "ž": "z", "'": "", " ": "", "-": "-",
            ]
            return text.lowercased().map { plain[$0] ?? String($0) }.joined()
        }
    }

    /// An office.
    final class Office: Sendable {
        let name: String
        let city: String
        let state: String
        let country: String
        let region: String
        let street: String
        let postalCode: String
        let dialling: String
        /// The beginnings of the name and the dialling code in JSON.
        let nameBytes: [UInt8]
        let diallingBytes: [UInt8]

        init(
            name: String, city: String, state: String, country: String, region: String, street: String,
            postalCode: String,
            dialling: String
        ) {
            self.name = name
            self.city = city
            self.state = state
            self.country = country
            self.region = region
            self.street = street
            self.postalCode = postalCode
            self.dialling = dialling
            nameBytes = Array("\"\(name)\"".utf8)
            diallingBytes = Array("\"\(dialling)".utf8)
        }
    }

    let language: String
    let languageBytes: [UInt8]
    let given: [Name]
    let family: [Name]
    let office: Office

    var combinations: Int { given.count * family.count }

    private init(_ language: String, _ given: String, _ family: String, _ office: Office) {
        self.language = language
        self.languageBytes = Array("\"\(language)\"".utf8)
        self.given = given.split(separator: " ").map(Name.init)
        self.family = family.split(separator: " ").map(Name.init)
        self.office = office
    }

    static let all: [Culture] = [
        Culture(
            "en-US",
            """
            Olivia Liam Emma Noah Ava Ethan Sophia Mason Isabella Logan Charlotte James Amelia Henry Harper Jack Evelyn \
            Owen Abigail Caleb Grace Wyatt Chloe Nathan
            """,
            """
            Anderson Brooks Carter Dawson Ellis Foster Griffin Hayes Irving Jensen Keller Lawson Mitchell Norris Owens \
            Parker Quinn Reynolds Sawyer Turner Underwood Vaughn Walker Young Bennett Coleman Daniels Fletcher
            """,
            Office(
                name: "Seattle 4/1102", city: "Seattle", state: "WA", country: "United States", region: "US",
                street: "1401 Alder Street", postalCode: "98101", dialling: "+1 206 555 ")),
        Culture(
            "en-GB",
            """
            Alfie Amelie Archie Beatrice Callum Daisy Dylan Eleanor Finlay Florence George Harriet Hugo Imogen Jasper \
            Lottie Oscar Poppy Reuben Rosie Theo Violet Wilfred Zara
            """,
            """
            Ashworth Barlow Chadwick Davies Eastwood Fairfax Gallagher Hargreaves Ingham Jarvis Kirkby Lockwood \
            MacDonald Nuttall O'Brien Pemberton Radcliffe Sheffield Thornton Upton Wadsworth Yardley Bramley Cartwright
            """,
            Office(
                name: "London 2/310", city: "London", state: "", country: "United Kingdom", region: "GB",
                street: "18 Harrow Yard", postalCode: "EC1A 4JQ", dialling: "+44 20 7946 0")),
        Culture(
            "de-DE",
            """
            Jürgen Anneliese Björn Clara Dieter Elke Florian Greta Hannes Ingrid Jonas Katrin Lukas Marlene Niklas Petra \
            Ralf Sabine Tobias Ursula Volker Wiebke Jörg Käthe
            """,
            """
            Müller Schröder Weiß Schäfer Köhler Böhm Krüger Vogt Lindner Brandt Hartmann Keßler Zimmermann Neumann \
            Hofmann Winkler Lorenz Baumann Jäger Günther Fuchs Scholz Ziegler Seidel Busch Pfeiffer
            """,
            Office(
                name: "Munich 1/2.14", city: "Munich", state: "Bavaria", country: "Germany", region: "DE",
                street: "Lindenallee 7", postalCode: "80331", dialling: "+49 89 5550 ")),
        Culture(
            "fr-FR",
            """
            Aurélie Benoît Camille Didier Élodie|elodie Fabien Geneviève Hugues Inès Julien Karine Léon Mathilde Nicolas \
            Océane Pascal Quentin Régine Sylvain Thérèse Victor Yvette Zoé Gaël
            """,
            """
            Lefèvre Moreau Girard Bonnet Rousseau Fournier Mercier Dupuis Lambert Chevalier Gauthier Perrin Robin \
            Clément Morin Renard Barbier Arnaud Colin Leclerc Besançon Faure Marchand Noël
            """,
            Office(
                name: "Lyon 3/08", city: "Lyon", state: "", country: "France", region: "FR",
                street: "12 rue des Tanneurs", postalCode: "69002", dialling: "+33 4 55 01 ")),
        Culture(
            "es-ES",
            """
            Alejandro Beatriz Carlos Dolores Esteban Fernanda Gonzalo Inmaculada Joaquín Lucía Marcos Núria Óscar|oscar \
            Pilar Rafael Soledad Tomás Vanesa Ximena Yolanda Raúl Martina Íñigo|inigo Begoña
            """,
            """
            García Fernández Ibáñez Muñoz Navarro Ortega Peña Quintana Ramírez Serrano Torres Urrutia Vázquez Zamora \
            Castaño Domínguez Escudero Fuentes Giménez Herrera Iglesias Jiménez Lozano Méndez
            """,
            Office(
                name: "Madrid 5/21", city: "Madrid", state: "", country: "Spain", region: "ES",
                street: "Calle del Olmo 44", postalCode: "28012", dialling: "+34 910 555 ")),
        Culture(
            "hi-IN",
            """
            Aarav Bhavna Chetan Divya Eshan Farah Gaurav Harini Ishaan Jaya Karthik Lakshmi Manish Nandini Omkar Priya \
            Rohan Shreya Tarun Urvashi Vikram Yamini Zubin Ananya
            """,
            """
            Agarwal Banerjee Chatterjee Deshmukh Gupta Hegde Iyer Joshi Kulkarni Malhotra Nair Patel Rao Sharma Tiwari \
            Upadhyay Varma Yadav Bhatt Desai Kapoor Menon Pillai Reddy
            """,
            Office(
                name: "Bengaluru 7/415", city: "Bengaluru", state: "Karnataka", country: "India", region: "IN",
                street: "88 Lake View Road", postalCode: "560001", dialling: "+91 80 5555 ")),
        Culture(
            "ja-JP",
            """
            Akira Chiyo Daichi Emi Fumiko Goro Haruka Isamu Jun Kaori Makoto Naoko Osamu Reiko Satoshi Tomoko Umeko \
            Wataru Yuki Asuka Hiroshi Kenji Mariko Takeshi
            """,
            """
            Tanaka Suzuki Watanabe Yamamoto Nakamura Kobayashi Saito Kato Yoshida Sasaki Matsumoto Inoue Kimura Hayashi \
            Shimizu Mori Ikeda Hashimoto Ishikawa Ogawa Goto Okada Hasegawa Fujita
            """,
            Office(
                name: "Osaka 9/03", city: "Osaka", state: "", country: "Japan", region: "JP",
                street: "2-5-1 Kitahama", postalCode: "541-0041", dialling: "+81 6 5550 ")),
        Culture(
            "pt-BR",
            """
            Adriana Bruno Cláudia Davi Eduarda Felipe Gabriela Heitor Isadora João Larissa Mateus Natália Otávio Paula \
            Renato Simone Thiago Úrsula|ursula Vinícius Yasmin Caio Antônio Conceição
            """,
            """
            Almeida Barbosa Cardoso Duarte Esteves Figueiredo Gonçalves Lacerda Magalhães Nogueira Oliveira Pacheco \
            Queiroz Ribeiro Siqueira Tavares Uchôa Vasconcelos Xavier Assunção Brandão Camargo Fontes Guimarães
            """,
            Office(
                name: "São Paulo 6/77", city: "São Paulo", state: "SP", country: "Brazil", region: "BR",
                street: "Rua das Acácias 301", postalCode: "01310-100", dialling: "+55 11 5550 ")),
        Culture(
            "pl-PL",
            """
            Agnieszka Bartosz Celina Dariusz Ewelina Filip Grażyna Henryk Izabela Jakub Krystyna Łukasz|lukasz Małgorzata \
            Norbert Oliwia Paweł Renata Stanisław Teresa Wojciech Zofia Zbigniew Michał Ksenia
            """,
            """
            Kowalski Wójcik Lewandowski Zieliński Szymański Dąbrowski Kozłowski Jankowski Mazur Krawczyk Grabowski \
            Pawłowski Michalski Wróbel Nowicki Adamczyk Dudek Wieczorek Jabłoński Majewski Olszewski Stępień Malinowski \
            Rutkowski
            """,
            Office(
                name: "Kraków 8/2", city: "Kraków", state: "", country: "Poland", region: "PL",
                street: "ulica Lipowa 19", postalCode: "31-100", dialling: "+48 12 555 ")),
        Culture(
            "sv-SE",
            """
            Åsa|asa Björk Cecilia Dag Elsa Fredrik Gunilla Håkan Ida Jens Kerstin Lars Märta Nils Oda Pontus Runa Signe \
            Torbjörn Ulla Viktoria Yngve Östen|osten Freja
            """,
            """
            Lindqvist Bergström Sjöberg Åkesson|akesson Nyström Holmgren Dahl Engström Forsberg Gustafsson Hedlund Isaksson \
            Jönsson Källström Lundgren Magnusson Norén Olofsson Persson Rosén Sandberg Wallin Ekdahl Öberg|oberg
            """,
            Office(
                name: "Stockholm 10/5", city: "Stockholm", state: "", country: "Sweden", region: "SE",
                street: "Björkgatan 3", postalCode: "111 20", dialling: "+46 8 555 0")),
    ]
}

/// The names of the people: from index to name and back. No two people have the same address.
struct People: Sendable {
    /// One person.
    struct Person: Sendable {
        let culture: UInt8
        let given: UInt8
        let family: UInt8
        /// 0 for the first person with a name, 1 for the second …
        let round: Int32
    }

    let offset: Int

    /// The number of different names.
    static let combinations = Culture.all.reduce(0) { $0 + $1.combinations }
    /// The step that spreads neighbours over the cultures; coprime to the number of names.
    private static let step: Int = {
        var step = combinations * 382 / 1000
        while greatestDivisor(step, combinations) != 1 { step += 1 }
        return step
    }()
    private static let stepBack: Int = (1..<combinations).first { step * $0 % combinations == 1 } ?? 1
    private static let starts: [Int] = {
        var starts: [Int] = []
        var next = 0
        for culture in Culture.all {
            starts.append(next)
            next += culture.combinations
        }
        return starts
    }()
    private static let addresses: [String: Int] = {
        var addresses: [String: Int] = [:]
        addresses.reserveCapacity(combinations)
        for (culture, start) in zip(Culture.all, starts) {
            for (givenPlace, given) in culture.given.enumerated() {
                for (familyPlace, family) in culture.family.enumerated() {
                    addresses["\(given.address).\(family.address)"] =
                        start + givenPlace * culture.family.count + familyPlace
                }
            }
        }
        return addresses
    }()

    func person(_ index: Int) -> Person {
        let combination = (index % Self.combinations * Self.step + offset) % Self.combinations
        var culture = Self.starts.count - 1
        while Self.starts[culture] > combination { culture -= 1 }
        let place = combination - Self.starts[culture]
        let families = Culture.all[culture].family.count
        // Each culture has at most 255 names of each kind, and rounds count users.
        return Person(
            culture: UInt8(truncatingIfNeeded: culture), given: UInt8(truncatingIfNeeded: place / families),
            family: UInt8(truncatingIfNeeded: place % families),
            round: Int32(truncatingIfNeeded: index / Self.combinations))
    }

    /// Returns the index of the person with an address such as `lena.vogt` or `lena.vogt2`.
    func index(ofAddress address: some StringProtocol) -> Int? {
        let digits = address.reversed().prefix { $0.isASCII && $0.isNumber }
        let name = address.dropLast(digits.count)
        var round = 0
        if !digits.isEmpty {
            guard let number = Int(String(digits.reversed())), number >= 2, number < 1 << 24 else { return nil }
            round = number - 1
        }
        guard let combination = Self.addresses[String(name)] else { return nil }
        let shifted = (combination - offset + Self.combinations) % Self.combinations
        return round * Self.combinations + shifted * Self.stepBack % Self.combinations
    }

    private static func greatestDivisor(_ left: Int, _ right: Int) -> Int {
        right == 0 ? left : greatestDivisor(right, left % right)
    }
}
