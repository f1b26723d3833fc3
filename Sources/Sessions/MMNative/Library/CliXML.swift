import MMCore

/// The XML in which PowerShell keeps objects in files (MS-PSRP, "Serialization"): what `Export-Clixml` writes.
struct CliXMLWriter {
    private var ids: [ObjectIdentifier: Int] = [:]
    private var types: [[String]: Int] = [:]
    private var count = 0
    private var walk = ValueWalk()

    /// Returns the text of a file that holds objects.
    static func text(of items: [PSValue], depth: Int) throws(Interrupt) -> String {
        var writer = CliXMLWriter()
        var inner: [PSObject] = []
        for item in items {
            writer.walk = ValueWalk()
            inner.append(try writer.element(item, nil, depth))
        }
        let namespace = "http://schemas.microsoft.com/powershell/2004/04"
        return XMLNode.indented(
            try XMLNode.element("Objs", [("Version", "1.1.0.1"), ("xmlns", namespace)], inner))
    }

    /// Returns the element of a value.
    /// - Parameters:
    ///   - name: the property or the part of an entry whose value it is.
    ///   - depth: the levels of objects of .NET's own that are still written with their properties. Lists, tables and
    ///     custom objects don't count.
    private mutating func element(_ value: PSValue, _ name: String?, _ depth: Int) throws(Interrupt) -> PSObject {
        guard walk.enter() else { throw .handOver("objects nested deeply") }
        defer { walk.leave() }
        let named = name.map { [("N", Self.encoded($0))] } ?? []
        if let (tag, text) = try Self.plain(value) { return try XMLNode.element(tag, named, text: text) }
        switch value {
        case .null, .nothing: return try XMLNode.element("Nil", named)
        case .array(let items):
            let types = ["System.Object[]", "System.Array", "System.Object"]
            return try container(named, types, "LST", try elements(items, depth))
        case .list(let list):
            let tag = list.kind.shape == .queue ? "QUE" : list.kind.shape == .stack ? "STK" : "LST"
            guard [.list, .queue, .stack].contains(list.kind.shape) else { throw .handOver("a file of a set") }
            return try container(named, [list.typeName, "System.Object"], tag, try elements(list.items, depth))
        case .table(let table):
            if let known = ids[table.identity] { return try reference(named, known) }
            let id = next(table.identity)
            var entries: [PSObject] = []
            for (key, value) in table.entries {
                entries.append(
                    try XMLNode.element("En", [], [try element(key, "Key", depth), try element(value, "Value", depth)]))
            }
            return try container(named, [table.typeName, "System.Object"], "DCT", entries, id)
        case .object(let object): return try self.object(object, named, depth)
        default: throw .handOver("a file of \(value.typeName)")
        }
    }

    private mutating func elements(_ items: [PSValue], _ depth: Int) throws(Interrupt) -> [PSObject] {
        var found: [PSObject] = []
        for item in items { found.append(try element(item, nil, depth)) }
        return found
    }

    private mutating func object(
        _ object: PSObject, _ named: [(String, String)], _ depth: Int
    ) throws(Interrupt) -> PSObject {
        if let known = ids[object.identity] { return try reference(named, known) }
        guard object.isCustom, object.isListable, object.ownClass == nil, !object.hasHidden, object.columns == nil
        else { throw .handOver("a file of \(object.typeName)") }
        let whole = object.whole
        guard let model = object.model else {
            let id = next(object.identity)
            let names = [object.typeName, PSObject.customType, "System.Object"]
            let head = try typeNames(object.typeName == PSObject.customType ? Array(names.dropFirst()) : names)
            let members = try properties(of: whole, depth)
            let inner = members.isEmpty ? [] : [try XMLNode.element("MS", [], members)]
            return try XMLNode.element("Obj", named + [("RefId", String(id))], [head] + inner)
        }
        guard depth > 0 else { return try XMLNode.element("S", named, text: Self.encoded(model)) }
        let id = next(object.identity)
        let head = try typeNames([model, "System.Object"])
        let text = try XMLNode.element("ToString", [], text: Self.encoded(model))
        let members = try XMLNode.element("Props", [], try properties(of: whole, depth - 1))
        return try XMLNode.element("Obj", named + [("RefId", String(id))], [head, text, members])
    }

    private mutating func properties(of object: PSObject, _ depth: Int) throws(Interrupt) -> [PSObject] {
        var found: [PSObject] = []
        for (name, value) in zip(object.shape.names, object.values) {
            guard case .array(let items) = value, object.arrayType(of: name) == "System.String[]" else {
                found.append(try element(value, name, depth))
                continue
            }
            let types = ["System.String[]", "System.Array", "System.Object"]
            found.append(try container([("N", Self.encoded(name))], types, "LST", try elements(items, depth)))
        }
        return found
    }

    private mutating func container(
        _ named: [(String, String)], _ types: [String], _ tag: String, _ inner: [PSObject], _ known: Int? = nil
    ) throws(Interrupt) -> PSObject {
        let id = known ?? next(nil)
        let head = try typeNames(types)
        return try XMLNode.element(
            "Obj", named + [("RefId", String(id))], [head, try XMLNode.element(tag, [], inner)])
    }

    private func reference(_ named: [(String, String)], _ id: Int) throws(Interrupt) -> PSObject {
        try XMLNode.element("Ref", named + [("RefId", String(id))])
    }

    private mutating func next(_ identity: ObjectIdentifier?) -> Int {
        defer { count += 1 }
        if let identity { ids[identity] = count }
        return count
    }

    /// Returns the names of an object's types, which are written once.
    private mutating func typeNames(_ names: [String]) throws(Interrupt) -> PSObject {
        if let known = types[names] { return try XMLNode.element("TNRef", [("RefId", String(known))]) }
        let id = types.count
        types[names] = id
        var inner: [PSObject] = []
        for name in names { inner.append(try XMLNode.element("T", [], text: Self.encoded(name))) }
        return try XMLNode.element("TN", [("RefId", String(id))], inner)
    }

    // MARK: Plain values

    /// Returns the tag and the text of a plain value; `nil` for any other.
    private static func plain(_ value: PSValue) throws(Interrupt) -> (tag: String, text: String)? {
        switch value {
        case .string(let text): return ("S", encoded(text))
        case .char(let unit): return ("C", String(unit))
        case .bool(let flag): return ("B", flag ? "true" : "false")
        case .byte(let number): return ("By", String(number))
        case .int(let number): return ("I32", String(number))
        case .long(let number): return ("I64", String(number))
        case .double(let number): return ("Db", number.isInfinite ? (number < 0 ? "-INF" : "INF") : PSText.long(number))
        case .single(let number): return ("Sg", PSText.long(number))
        case .decimal: return ("D", try PSText.string(value))
        case .date(let date):
            guard let text = date.json else { throw .handOver("a date in a file") }
            return ("DT", text)
        case .span(let ticks): return ("TS", PSSpan.duration(ticks))
        case .guid(let text): return ("G", text)
        case .version: return ("Version", try PSText.string(value))
        default: return nil
        }
    }

    /// Returns a text in which control characters, halves of pairs and what looks like their code are codes.
    static func encoded(_ text: String) -> String {
        guard !text.utf8.allSatisfy({ 0x20..<0x7F ~= $0 && $0 != 0x5F }) else { return text }
        let units = Array(text.utf16)
        func isPlain(_ place: Int) -> Bool {
            switch units[place] {
            case ...0x1F, 0x7F...0x9F, 0xD800...0xDFFF: false
            case 0x5F: place + 1 >= units.count || units[place + 1] | 0x20 != 0x78
            default: true
            }
        }
        guard !units.indices.allSatisfy(isPlain) else { return text }
        var written: [UInt16] = []
        for (place, unit) in units.enumerated() {
            if isPlain(place) {
                written.append(unit)
            } else {
                let digits = String(unit, radix: 16, uppercase: true)
                written += "_x\(String(repeating: "0", count: 4 - digits.count))\(digits)_".utf16
            }
        }
        return String(decoding: written, as: UTF16.self)
    }

    /// Returns the text that was encoded so.
    static func decoded(_ text: String) -> String {
        guard text.utf8.contains(0x5F) else { return text }
        let units = Array(text.utf16)
        var read: [UInt16] = []
        var place = 0
        while place < units.count {
            if place + 6 < units.count, units[place] == 0x5F, units[place + 1] | 0x20 == 0x78, units[place + 6] == 0x5F,
                let unit = UInt16(String(decoding: units[(place + 2)..<(place + 6)], as: UTF16.self), radix: 16)
            {
                read.append(unit)
                place += 7
            } else {
                read.append(units[place])
                place += 1
            }
        }
        return String(decoding: read, as: UTF16.self)
    }
}

/// Reads what `Export-Clixml` wrote.
struct CliXMLReader {
    private var objects: [String: PSValue] = [:]
    private var types: [String: [String]] = [:]

    /// Returns the objects of a file.
    static func objects(in text: String) throws(Interrupt) -> [PSValue] {
        var nodes = XMLTextReader(text)
        nodes.keepsBlanks = true
        guard let root = try nodes.nodes(hasNamespace: false)?.first(where: { $0.typeName == XMLNode.elementType }),
            XMLNode.localName(root) == "Objs"
        else { throw .handOver("a file of another form") }
        var reader = CliXMLReader()
        var found: [PSValue] = []
        for node in Self.elements(of: root) { found.append(try reader.value(of: node)) }
        return found
    }

    private static func elements(of node: PSObject) -> [PSObject] {
        XMLNode.nodes(XMLNode.children(node)).filter { $0.typeName == XMLNode.elementType }
    }

    private static func attribute(_ name: String, of node: PSObject) -> String? {
        XMLNode.nodes(XMLNode.attributes(node)).first { XMLNode.localName($0) == name }.map(XMLNode.value)
    }

    private static let numbers: [String: PSType] = [
        "By": .byte, "I32": .int, "I64": .long, "Sg": .single, "D": .decimal, "G": .guid, "Version": .version,
    ]

    private mutating func value(of node: PSObject) throws(Interrupt) -> PSValue {
        let tag = XMLNode.localName(node)
        // The text of an object is all the text within it, which is that of its parts.
        let text = tag == "Obj" ? "" : XMLNode.innerText(node)
        switch tag {
        case "Nil": return .null
        case "S": return .string(CliXMLWriter.decoded(text))
        case "C": if let unit = UInt16(text) { return .char(unit) }
        case "B": return .bool(text == "true")
        case "Db" where text.hasSuffix("INF"): return .double(text.hasPrefix("-") ? -.infinity : .infinity)
        case "Db": return try Conversion.cast(.string(text), to: .double)
        case "DT": if let date = PSDate(json: text) { return .date(date) }
        case "TS": if let ticks = try PSSpan.ticks(ofDuration: text) { return .span(ticks) }
        case "Ref": if let known = objects[Self.attribute("RefId", of: node) ?? ""] { return known }
        case "Obj":
            let value = try object(node)
            if let id = Self.attribute("RefId", of: node) { objects[id] = value }
            return value
        default: if let type = Self.numbers[tag] { return try Conversion.cast(.string(text), to: type) }
        }
        throw .handOver("a \(tag) in a file")
    }

    private mutating func object(_ node: PSObject) throws(Interrupt) -> PSValue {
        var names: [String] = []
        var pairs: [(String, PSValue)] = []
        var base: PSValue?
        var shown: String?
        for part in Self.elements(of: node) {
            switch XMLNode.localName(part) {
            case "TN":
                names = Self.elements(of: part).map { CliXMLWriter.decoded(XMLNode.innerText($0)) }
                types[Self.attribute("RefId", of: part) ?? ""] = names
            case "TNRef": names = types[Self.attribute("RefId", of: part) ?? ""] ?? []
            case "ToString": shown = CliXMLWriter.decoded(XMLNode.innerText(part))
            case "Props", "MS":
                for member in Self.elements(of: part) {
                    guard let name = Self.attribute("N", of: member) else { throw .handOver("a member without a name") }
                    pairs.append((CliXMLWriter.decoded(name), try value(of: member)))
                }
            case "LST", "IE", "QUE", "STK":
                var items: [PSValue] = []
                for item in Self.elements(of: part) { items.append(try value(of: item)) }
                base = .list(PSList(.arrayList, items))
            case "DCT": base = try table(part, isOrdered: names.first?.contains("OrderedDictionary") == true)
            default: base = try value(of: part)
            }
        }
        // What a value of an enumeration shows isn't what it is.
        if names.contains("System.Enum") { throw .handOver("a value of \(names[0]) in a file") }
        if let base { return base }
        let first = names.first ?? PSObject.customType
        let isOfFile = first.hasPrefix("Deserialized.")
        guard var made = PSObject(pairs, typeName: isOfFile ? first : "Deserialized." + first) else {
            throw .handOver("properties that differ in case")
        }
        made.model = shown
        return .object(made)
    }

    private mutating func table(_ node: PSObject, isOrdered: Bool) throws(Interrupt) -> PSValue {
        let table = PSTable(isOrdered ? .ordered : .hashtable)
        for entry in Self.elements(of: node) {
            let parts = Self.elements(of: entry)
            guard parts.count == 2 else { throw .handOver("an unusual entry of a table") }
            let (key, value) = (try value(of: parts[0]), try value(of: parts[1]))
            guard PSTable.accepts(key), table.add(key, value) else { throw .handOver("an unusual key") }
        }
        return .table(table)
    }
}
