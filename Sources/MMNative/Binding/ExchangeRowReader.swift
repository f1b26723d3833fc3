import MMCore

/// Turns rows of the service into objects, whatever the rows look like: each may lack properties, have more, repeat them
/// or hold other kinds of values than the row before.
package struct ExchangeRowReader {
    private var lastShape: PSShape?
    /// What was wrong with rows so far, each thing once.
    package private(set) var warnings: [String] = []
    private var noted: Set<String> = []
    private let view: CmdletView?

    /// A reader.
    /// - Parameter view: how the objects are shown where nothing else is asked for.
    package init(view: CmdletView? = nil) { self.view = view }

    /// The object of a row's JSON text; a row that is no object becomes its value.
    /// - Returns: `nil` when the text is no JSON; `warnings` says so.
    package mutating func object(_ row: ArraySlice<UInt8>) -> PSValue? {
        guard let json = try? JSONParser.parse(row, limits: JSONLimits(bytes: 64 << 20, depth: 64)) else {
            note("A row of the answer could not be read and is left out.")
            return nil
        }
        let value = value(json)
        guard case .object(var object) = value else { return value }
        object.view = view
        return .object(object)
    }

    /// The warnings since the last call.
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
                // Notes of type stand before the property they speak of.
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

    /// Names that differ in case only can't stand in one object: the first one counts.
    private mutating func withoutRepeats(_ names: [String], _ values: [PSValue]) -> PSValue {
        var known: Set<String> = []
        var pairs: [(String, PSValue)] = []
        for (name, value) in zip(names, values) {
            if known.insert(name.lowercased()).inserted {
                pairs.append((name, value))
            } else {
                note("The service sent the property \(name.prefix(60)) more than once; the first one counts.")
            }
        }
        return PSObject(pairs).map { .object($0) } ?? .null
    }

    private mutating func note(_ text: String) {
        if noted.count < 20, noted.insert(text).inserted { warnings.append(text) }
    }
}
