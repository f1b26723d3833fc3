import MMCore

/// Converts the service's rows to objects. Rows may differ: each may lack properties, have additional or repeated ones,
/// or hold values of other types than the row before.
package struct ExchangeRowReader {
    private var lastShape: PSShape?
    /// The problems found so far, each once.
    package private(set) var warnings: [String] = []
    private var noted: Set<String> = []
    private let view: CmdletView?
    private let hasFolderUsers: Bool

    /// Creates a reader.
    /// - Parameter cmdlet: the cmdlet whose objects the rows become, which decides their default columns.
    package init(of cmdlet: String = "") {
        view = CmdletView.of(cmdlet)
        hasFolderUsers = FolderUser.cmdlets.contains(cmdlet.lowercased())
    }

    /// Returns the object for a row's JSON text; a row that isn't an object becomes its plain value.
    /// - Returns: `nil` for text that isn't JSON, which adds a warning.
    package mutating func object(_ row: ArraySlice<UInt8>) -> PSValue? {
        guard let json = try? JSONParser.parse(row, limits: JSONLimits(bytes: 64 << 20, depth: 64)) else {
            note("A row of the answer could not be read and is left out.")
            return nil
        }
        let value = value(json)
        guard case .object(var object) = value else { return value }
        object.view = view
        object.isRow = true
        if hasFolderUsers, case .string(let text)? = object["User"], let user = FolderUser.named(text) {
            _ = object.set("User", user)
        }
        return .object(object)
    }

    /// Returns the warnings since the last call.
    package mutating func takeWarnings() -> [String] {
        defer { warnings = [] }
        return warnings
    }

    private mutating func value(_ json: JSONValue, type: String? = nil) -> PSValue {
        switch json {
        case .null: return .null
        case .bool(let flag): return .bool(flag)
        case .int(let number): return Int32(exactly: number).map { .int($0) } ?? .long(number)
        case .double(let number): return .double(number)
        case .number(let text): return .string(text)
        case .string(let text):
            if type == "System.DateTime", let date = PSDate(json: text) { return .date(date) }
            return .string(text)
        case .array(let items): return .array(items.map { value($0) })
        case .object(let members): return object(members)
        }
    }

    private mutating func object(_ members: JSONObject) -> PSValue {
        var names: [String] = []
        var values: [PSValue] = []
        names.reserveCapacity(members.count)
        values.reserveCapacity(members.count)
        var type: (name: Substring, word: String)?
        for (name, json) in members {
            if let at = name.utf8.firstIndex(of: UInt8(ascii: "@")) {
                // Type annotations precede the property that they describe.
                if name[at...] == "@data.type", let word = json.string { type = (name[..<at], word) }
                continue
            }
            let word = type.flatMap { $0.name == name ? $0.word : nil }
            names.append(name)
            values.append(value(json, type: word))
        }
        if let lastShape, lastShape.names == names { return .object(PSObject(shape: lastShape, values: values)) }
        if let shape = PSShape(names) {
            lastShape = shape
            return .object(PSObject(shape: shape, values: values))
        }
        return withoutRepeats(names, values)
    }

    /// Drops properties whose names differ only in case from an earlier one: an object can't have both.
    private mutating func withoutRepeats(_ names: [String], _ values: [PSValue]) -> PSValue {
        var known: Set<String> = []
        var pairs: [(String, PSValue)] = []
        for (name, value) in zip(names, values) {
            if known.insert(name.lowercased()).inserted {
                pairs.append((name, value))
            } else {
                note("The service sent the property \(name.prefix(60)) more than once; the first one is used.")
            }
        }
        return PSObject(pairs).map { .object($0) } ?? .null
    }

    private mutating func note(_ text: String) {
        if noted.count < 20, noted.insert(text).inserted { warnings.append(text) }
    }
}

/// Whom a permission on a folder is for. The module has an object there whose text is its name; of its properties the
/// service's JSON has only that name.
enum FolderUser {
    /// The type of the object.
    static let typeName = "Deserialized.Microsoft.Exchange.Management.StoreTasks.MailboxFolderUserId"
    /// The property that is its text.
    static let text = "DisplayName"
    /// The cmdlets whose objects have one, in lower case.
    fileprivate static let cmdlets: Set<String> = [
        "get-mailboxfolderpermission", "add-mailboxfolderpermission", "get-publicfolderclientpermission",
        "add-publicfolderclientpermission",
    ]

    /// Returns the object with a name.
    fileprivate static func named(_ name: String) -> PSValue? {
        guard var object = PSObject([(text, .string(name))], typeName: typeName, isListable: false) else { return nil }
        object.isRow = true
        return .object(object)
    }
}
