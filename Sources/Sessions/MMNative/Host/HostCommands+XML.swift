import MMCore

/// Commands that turn objects into XML, and keep them in files.
extension HostCommands {
    static let xmlSpecifications: [CommandSpecification] = [
        make(
            "ConvertTo-Xml", ["InputObject", "Depth", "As"], ["NoTypeInformation"], ["InputObject"],
            ["NTI": "NoTypeInformation"]),
        make(
            "Export-Clixml", ["Path", "LiteralPath", "InputObject", "Depth", "Encoding"], ["Force", "NoClobber"],
            ["Path"], ["PSPath": "LiteralPath", "LP": "LiteralPath", "NoOverwrite": "NoClobber"]),
        make(
            "Import-Clixml", ["Path", "LiteralPath", "First", "Skip"], ["IncludeTotalCount"], ["Path"],
            ["PSPath": "LiteralPath", "LP": "LiteralPath"], makesObjects: true),
    ]

    /// Returns the work of such a command; `nil` for any other.
    static func xmlWork(_ name: String) -> Work? {
        switch name {
        case "ConvertTo-Xml": XMLOfObjects.convert
        case "Export-Clixml": exportObjects
        case "Import-Clixml": importObjects
        default: nil
        }
    }

    /// Returns a number that a command was given, which has to be positive.
    static func positive(_ name: String, _ command: BoundCommand) throws(Interrupt) -> Int? {
        guard let given = command[name] else { return nil }
        guard case .int(let number) = try Conversion.argument(given, to: .int), number > 0 else {
            throw .handOver("an unusual -\(name)")
        }
        return Int(number)
    }

    private static func exportObjects(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let path = try onlyPath(command, in: host)
        try keepExisting(path, command, host)
        let text = try CliXMLWriter.text(of: items, depth: try positive("Depth", command) ?? 2)
        try write(text, to: path, command, host, isAppending: false)
    }

    private static func importObjects(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        guard command.names.isSubset(of: ["Path", "LiteralPath"]) else { throw .handOver("parts of a file of objects") }
        for path in try paths(command, piped: items, in: host) {
            for object in try CliXMLReader.objects(in: try text(path, command, host)) { try emit(object) }
        }
    }
}

/// `ConvertTo-Xml`.
struct XMLOfObjects {
    private let hasTypes: Bool
    private var walk = ValueWalk()

    static func convert(
        _ command: BoundCommand, _ items: [PSValue], _ host: NativeHost, _ evaluator: Evaluator, _ emit: Sink
    ) throws(Interrupt) {
        let hasTypes = !command.isSet("NoTypeInformation")
        let depth = try HostCommands.positive("Depth", command) ?? 1
        let declaration = "version=\"1.0\" encoding=\"utf-8\""
        var objects: [PSObject] = []
        for item in items {
            var writer = XMLOfObjects(hasTypes: hasTypes)
            objects.append(try writer.element(item, "Object", nil, depth))
        }
        let kind = command["As"]?.text.lowercased() ?? "document"
        if kind == "stream" {
            try emit(.string("<?xml \(declaration)?>"))
            try emit(.string("<Objects>"))
            for object in objects { try emit(.string(XMLNode.indented(object))) }
            return try emit(.string("</Objects>"))
        }
        let root = try XMLNode.element("Objects", [], objects)
        switch kind {
        case "string": try emit(.string("<?xml \(declaration)?>\n" + XMLNode.indented(root)))
        case "document":
            let document = try XMLNode.made(XMLNode.documentType, "#document")
            let head = try XMLNode.made(XMLNode.declarationType, "xml", value: declaration)
            XMLNode.children(document).items = [.object(head), .object(root)]
            try emit(.object(document))
        default: throw .handOver("an unusual -As")
        }
    }

    /// Returns the element of a value.
    /// - Parameters:
    ///   - tag: `Object` for what was put in, `Property` for anything within it.
    ///   - name: the property whose value it is.
    ///   - depth: the levels of objects that are still written with their properties. Lists and tables don't count.
    private mutating func element(
        _ value: PSValue, _ tag: String, _ name: String?, _ depth: Int, type: String? = nil
    ) throws(Interrupt) -> PSObject {
        guard walk.enter() else { throw .handOver("XML of values nested deeply") }
        defer { walk.leave() }
        let hasTypes = hasTypes
        func made(_ type: String, _ inner: [PSObject] = [], text: String? = nil) throws(Interrupt) -> PSObject {
            var attributes = name.map { [("Name", $0)] } ?? []
            if hasTypes { attributes.append(("Type", type)) }
            return try XMLNode.element(tag, attributes, inner, text: text.map(Self.withPlainEnds))
        }
        switch value {
        case .null, .nothing: return try XMLNode.element(tag, name.map { [("Name", $0)] } ?? [])
        case .array(let items): return try made(type ?? "System.Object[]", try elements(items, depth))
        case .list(let list): return try made(list.typeName, try elements(list.items, depth))
        case .table(let table):
            var inner: [PSObject] = []
            for (key, value) in table.entries {
                inner.append(try element(key, "Property", "Key", depth))
                inner.append(try element(value, "Property", "Value", depth))
            }
            return try made(table.typeName, inner)
        case .object(let object):
            guard object.isCustom, object.isListable, object.ownClass == nil, object.columns == nil else {
                throw .handOver("XML of \(object.typeName)")
            }
            let type = object.model ?? PSObject.customType
            guard depth > 0 else { return try made(type, try shallow(object), text: object.model) }
            return try made(type, try properties(of: object.whole, depth - 1))
        case .double(let number): return try made(value.typeName, text: PSText.long(number))
        case .single(let number): return try made(value.typeName, text: PSText.long(number))
        case .block, .type, .ownType, .typeInfo, .enumeration: throw .handOver("XML of \(value.typeName)")
        default: return try made(value.typeName, text: try PSText.string(value))
        }
    }

    private mutating func elements(_ items: [PSValue], _ depth: Int) throws(Interrupt) -> [PSObject] {
        var found: [PSObject] = []
        for item in items { found.append(try element(item, "Property", nil, depth)) }
        return found
    }

    private mutating func properties(of object: PSObject, _ depth: Int) throws(Interrupt) -> [PSObject] {
        var found: [PSObject] = []
        for (name, value) in zip(object.shape.names, object.values) {
            guard !value.isNothing else { throw .handOver("XML of no output") }
            if value.isNull {
                let type = hasTypes ? [("Type", "System.Object")] : []
                found.append(try XMLNode.element("Property", [("Name", name)] + type))
            } else {
                found.append(try element(value, "Property", name, depth, type: object.arrayType(of: name)))
            }
        }
        return found
    }

    /// Returns what PowerShell writes of a custom object where the depth ends: its text, and the texts of its
    /// properties.
    private func shallow(_ object: PSObject) throws(Interrupt) -> [PSObject] {
        guard object.model == nil else { return [] }
        func typed(_ type: String) -> [(String, String)] { hasTypes ? [("Type", type)] : [] }
        let text = try PSText.string(.object(object))
        var found = [try XMLNode.element("Property", typed("System.String"), text: Self.withPlainEnds(text))]
        for (name, value) in zip(object.shape.names, object.values) {
            guard !value.isNull else { throw .handOver("XML of nothing in an object within an object") }
            found.append(
                try XMLNode.element(
                    "Property", [("Name", name)] + typed("System.Management.Automation.PSNoteProperty"),
                    text: Self.withPlainEnds(try PSText.whole(value))))
        }
        return found
    }

    /// Returns a text whose lines end as the writer of XML ends them.
    private static func withPlainEnds(_ text: String) -> String {
        text.replacing("\r\n", with: "\n").replacing("\r", with: "\n")
    }
}
