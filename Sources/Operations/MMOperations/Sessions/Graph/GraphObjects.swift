internal import MMCore
internal import MMGuard
internal import MMNative

/// A converter from the service's answers to the objects of Graph's modules: property names begin with a capital and
/// dates are date values.
///
/// The class of an object is the one that the request declares. What the service returns beyond it is in
/// `AdditionalProperties`, under the service's own names: of a member of a group all but the id, of a way to
/// authenticate its phone number.
struct GraphObjects {
    private var shapes: [[String]: PSShape] = [:]
    private var classes: [String: GraphClass?] = [:]
    private let shape: GraphCmdletCall.Shape
    private let view: CmdletView?
    /// Properties that the service returns and the module's class lacks, by cmdlet.
    private static let beside: [String: Set<String>] = ["get-mgserviceprincipal": ["createdDateTime"]]
    private let beside: Set<String>
    /// Receives each property that a script reads and the service returned for no object.
    private let missed: (@Sendable (MissedProperty) -> Void)?
    /// The properties that the service returned for one of the objects. Others without such a one have none: a file is
    /// no folder.
    private let returned = ReturnedNames()
    private var returnedShapes: Set<ObjectIdentifier> = []

    /// Creates a converter for the objects of one cmdlet.
    /// - Parameter missed: receives each property that a script reads and the service returned for no object.
    init(
        _ shape: GraphCmdletCall.Shape, of cmdlet: String, missed: (@Sendable (MissedProperty) -> Void)? = nil
    ) {
        self.shape = shape
        self.missed = missed
        beside = Self.beside[cmdlet.lowercased()] ?? []
        view = CmdletView.of(cmdlet.lowercased().replacing("-mgbeta", with: "-mg"))
    }

    /// Returns the object of a row; `nil` for text that isn't JSON.
    mutating func object(_ row: ArraySlice<UInt8>) -> PSValue? {
        guard let json = try? JSONParser.parse(row, limits: JSONLimits(bytes: 64 << 20, depth: 64)) else { return nil }
        return object(json)
    }

    /// Returns the object of a JSON value.
    mutating func object(_ json: JSONValue) -> PSValue {
        switch shape {
        case .objects(let type):
            guard case .object(let members) = json else { return typed(json, of: type) }
            guard case .object(var object) = instance(members, of: type, isRow: true) else { return .null }
            object.view = view
            object.declared = graphClass(type)?.declared
            if missed != nil, returnedShapes.insert(ObjectIdentifier(object.shape)).inserted {
                returned.add(object.shape.names)
            }
            return .object(object)
        case .tables: return Self.table(json)
        case .page, .text: return .string(JSONWriter.string(json))
        case .plain: return plain(json)
        }
    }

    // MARK: Classes

    /// The properties of a type, by name.
    private struct GraphClass {
        let name: String
        let types: [String: String]
        /// All its properties as the module's class shows them: in alphabetical order, and the others behind them.
        let declared: DeclaredProperties
        /// The same of an object within another one, which shows no others.
        let inner: DeclaredProperties

        init?(_ name: String, missed: (@Sendable (MissedProperty) -> Void)? = nil) {
            let table = GraphTypeTable.standard
            guard let type = table.type(named: name) else { return nil }
            self.name = type.name
            let properties = table.properties(of: type).filter(\.isDescribed)
            types = Dictionary(properties.map { ($0.name, $0.type) }) { own, _ in own }
            let objects = properties.filter {
                !$0.isCollection && !$0.type.hasPrefix("Edm.") && table.type(named: $0.type) != nil
            }
            let names = properties.map { GraphObjects.capitalised($0.name) }
            let kinds = Dictionary(objects.map { ($0.name, $0.type) }) { first, _ in first }
            let texts = properties.filter { $0.isCollection && $0.type == "Edm.String" }.map(\.name)
            var tell: (@Sendable (String) -> Void)?
            if let missed {
                let links = Set(properties.filter(\.isNavigation).map { GraphObjects.capitalised($0.name) })
                tell = { name in missed(MissedProperty(name: name, isNavigation: links.contains(name))) }
            }
            declared = DeclaredProperties(
                names + ["AdditionalProperties"], objects: kinds, texts: texts, missed: tell, classOf: Self.empty)
            inner = DeclaredProperties(names, objects: kinds, texts: texts, classOf: Self.empty)
        }

        /// The properties of the classes within others, by the names of Graph's types.
        private static let innerClasses = Mutex([String: DeclaredProperties]())

        /// Returns what the object of a type shows if the service returned none.
        private static func empty(_ type: String) -> (model: String, inner: DeclaredProperties?) {
            if let known = innerClasses.withLock({ $0[type] }) { return (model(type), known) }
            let own = GraphClass(type)?.inner
            innerClasses.withLock { $0[type] = own }
            return (model(type), own)
        }

        /// The full name of the module's class for a type of Graph.
        static func model(_ type: String) -> String {
            var parts = type.split(separator: ".")[...]
            if parts.count > 1, parts[0] == "microsoft", parts[1] == "graph" { parts = parts.dropFirst(2) }
            let name = parts.map { GraphObjects.capitalised(String($0)) }.joined()
            return "Microsoft.Graph.PowerShell.Models.MicrosoftGraph" + name
        }

        /// The base class of everything that a directory holds.
        static let ofDirectory = "directoryObject"
    }

    private mutating func graphClass(_ name: String?) -> GraphClass? {
        guard let name else { return nil }
        if let known = classes[name] { return known }
        let tell = missed.map { missed in
            { @Sendable [returned] (property: MissedProperty) in
                if !returned.contains(property.name) { missed(property) }
            }
        }
        let found = GraphClass(name, missed: tell)
        classes[name] = .some(found)
        return found
    }

    /// Returns an object of the class of a declared type.
    private mutating func instance(_ members: JSONObject, of declared: String?, isRow: Bool) -> PSValue {
        let actual = members["@odata.type"]?.string.map { String($0.drop { $0 == "#" }) }
        let actualClass = graphClass(actual)
        let declaredClass = graphClass(declared ?? (isOfDirectory(actual) ? GraphClass.ofDirectory : nil))
        // Minimal metadata names the type of an object where it isn't the declared one (OData JSON Format 4.01, section
        // 4.6.3).
        let isOther = actual != nil && actualClass?.name != declaredClass?.name
        let own = isOther || declaredClass?.name == GraphClass.ofDirectory ? declaredClass : nil
        var pairs: [(String, PSValue)] = []
        let more = PSTable.dictionary()
        for (name, json) in members {
            let isOwn =
                !name.contains("@") && !(isRow && beside.contains(name)) && own.map { $0.types[name] != nil } ?? true
            if isOwn {
                let type = Self.isMade(json) ? (actualClass ?? declaredClass)?.types[name] : nil
                pairs.append((Self.capitalised(name), typed(json, of: type)))
            } else if name != "@odata.context", isRow || own != nil {
                _ = more.add(name, Self.table(json))
            }
        }
        if isRow || own != nil { pairs.append(("AdditionalProperties", .table(more))) }
        guard let declaredClass, case .object(var object) = made(pairs) else { return made(pairs) }
        object.model = GraphClass.model(declaredClass.name)
        if !isRow { object.declared = declaredClass.inner }
        return .object(object)
    }

    private func isOfDirectory(_ name: String?) -> Bool {
        let table = GraphTypeTable.standard
        guard let name, let type = table.type(named: name), let base = table.type(named: GraphClass.ofDirectory) else {
            return false
        }
        return table.isKind(type, of: base)
    }

    // MARK: Values

    /// Returns a value in the form of the modules' classes.
    private mutating func typed(_ json: JSONValue, of declared: String?) -> PSValue {
        switch json {
        case .object(let members): return instance(members, of: declared, isRow: false)
        case .array(let items):
            var values: [PSValue] = []
            for item in items { values.append(typed(item, of: declared)) }
            return .array(values)
        case .int(let number): return Int32(exactly: number).map { .int($0) } ?? .long(number)
        default: return Self.scalar(json)
        }
    }

    /// Returns a value in the form of ConvertFrom-Json.
    private mutating func plain(_ json: JSONValue) -> PSValue {
        switch json {
        case .object(let members):
            var pairs: [(String, PSValue)] = []
            for (name, value) in members { pairs.append((name, plain(value))) }
            return made(pairs)
        case .array(let items):
            var values: [PSValue] = []
            for item in items { values.append(plain(item)) }
            return .array(values)
        default: return Self.scalar(json)
        }
    }

    private mutating func made(_ pairs: [(String, PSValue)]) -> PSValue {
        let names = pairs.map(\.0)
        if let shape = shapes[names] { return .object(PSObject(shape: shape, values: pairs.map(\.1))) }
        if let shape = PSShape(names) {
            shapes[names] = shape
            return .object(PSObject(shape: shape, values: pairs.map(\.1)))
        }
        var known: Set<String> = []
        let first = pairs.filter { known.insert($0.0.lowercased()).inserted }
        return PSObject(first).map { .object($0) } ?? .null
    }

    /// Returns whether a value's form depends on its declared type.
    private static func isMade(_ json: JSONValue) -> Bool {
        switch json {
        case .object, .array: true
        default: false
        }
    }

    /// Returns a name as the modules' classes spell it: each begins with a capital, and four short words are all
    /// capitals (`IPAddress`, `OSVersion`).
    private static func capitalised(_ name: String) -> String {
        var words: [Substring] = []
        var start = name.startIndex
        for place in name.indices.dropFirst() where name[place].isUppercase {
            words.append(name[start..<place])
            start = place
        }
        words.append(name[start...])
        return words.map { word in
            acronyms.contains(word.lowercased()) ? word.uppercased() : word.prefix(1).uppercased() + word.dropFirst()
        }.joined()
    }

    private static let acronyms: Set<String> = ["ip", "os", "ms", "vm"]

    /// Returns a value in the form of Invoke-MgGraphRequest.
    private static func table(_ json: JSONValue) -> PSValue {
        switch json {
        case .object(let members):
            let table = PSTable.received()
            for (name, value) in members { _ = table.add(name, self.table(value)) }
            return .table(table)
        case .array(let items): return .array(items.map { table($0) })
        default: return scalar(json)
        }
    }

    private static func scalar(_ json: JSONValue) -> PSValue {
        switch json {
        case .bool(let flag): .bool(flag)
        case .int(let number): .long(number)
        case .double(let number): .double(number)
        case .number(let text): .string(text)
        case .string(let text):
            if isMoment(text), let date = PSDate(json: text) { .date(date) } else { .string(text) }
        default: .null
        }
    }

    /// Returns whether a text looks like a date with a time.
    private static func isMoment(_ text: String) -> Bool {
        let units = text.utf8
        guard units.count >= 19, units.count < 36 else { return false }
        let bytes = Array(units.prefix(11))
        return bytes[4] == 0x2D && bytes[7] == 0x2D && bytes[10] == 0x54
    }
}

/// The names of the properties that the service returned for any object of a cmdlet.
private final class ReturnedNames: Sendable {
    private let names = Mutex<Set<String>>([])

    func add(_ more: [String]) { names.withLock { $0.formUnion(more) } }
    func contains(_ name: String) -> Bool { names.withLock { $0.contains(name) } }
}
