import MMCore
import MMNative

/// Makes the objects of Graph's modules of the service's answers: properties begin with capitals, dates are dates, and what an object
/// of any type has besides its id stands in `AdditionalProperties`.
struct GraphObjects {
    private var shapes: [[String]: PSShape] = [:]
    private let shape: GraphCmdletCall.Shape
    private let view: CmdletView?

    /// Objects of one cmdlet.
    init(_ shape: GraphCmdletCall.Shape, of cmdlet: String) {
        self.shape = shape
        view = CmdletView.of(cmdlet.lowercased().replacing("-mgbeta", with: "-mg"))
    }

    /// The object of a row; `nil` for text that isn't JSON.
    mutating func object(_ row: ArraySlice<UInt8>) -> PSValue? {
        guard let json = try? JSONParser.parse(row, limits: JSONLimits(bytes: 64 << 20, depth: 64)) else { return nil }
        return object(json)
    }

    /// The object of a JSON value.
    mutating func object(_ json: JSONValue) -> PSValue {
        switch shape {
        case .objects(let isAny):
            guard case .object(let members) = json else { return Self.typed(json, &shapes) }
            return row(members, isAny: isAny)
        case .tables: return Self.table(json)
        case .plain: return Self.plain(json, &shapes)
        case .text: return .string(JSONWriter.string(json))
        }
    }

    private mutating func row(_ members: JSONObject, isAny: Bool) -> PSValue {
        var pairs: [(String, PSValue)] = []
        let more = PSTable(isOrdered: true)
        for (name, json) in members {
            let isOwn = !name.contains("@") && (!isAny || name == "id" || name == "deletedDateTime")
            if isOwn {
                pairs.append((Self.capitalised(name), Self.typed(json, &shapes)))
            } else if name != "@odata.context" {
                _ = more.add(name, Self.table(json))
            }
        }
        pairs.append(("AdditionalProperties", .table(more)))
        guard case .object(var object) = Self.made(pairs, &shapes) else { return .null }
        object.view = view
        return .object(object)
    }

    private static func made(_ pairs: [(String, PSValue)], _ shapes: inout [[String]: PSShape]) -> PSValue {
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

    private static func capitalised(_ name: String) -> String { name.prefix(1).uppercased() + name.dropFirst() }

    /// A value as the classes of the modules have it.
    private static func typed(_ json: JSONValue, _ shapes: inout [[String]: PSShape]) -> PSValue {
        switch json {
        case .object(let members):
            var pairs: [(String, PSValue)] = []
            for (name, value) in members where !name.contains("@") {
                pairs.append((capitalised(name), typed(value, &shapes)))
            }
            return made(pairs, &shapes)
        case .array(let items):
            var values: [PSValue] = []
            for item in items { values.append(typed(item, &shapes)) }
            return .array(values)
        case .string(let text):
            if isMoment(text), let date = PSDate(json: text) { return .date(date) }
            return .string(text)
        case .int(let number): return Int32(exactly: number).map { .int($0) } ?? .long(number)
        default: return scalar(json)
        }
    }

    /// A value as Invoke-MgGraphRequest has it.
    private static func table(_ json: JSONValue) -> PSValue {
        switch json {
        case .object(let members):
            let table = PSTable(isOrdered: true)
            for (name, value) in members { _ = table.add(name, self.table(value)) }
            return .table(table)
        case .array(let items): return .array(items.map { table($0) })
        default: return scalar(json)
        }
    }

    /// A value as ConvertFrom-Json has it.
    private static func plain(_ json: JSONValue, _ shapes: inout [[String]: PSShape]) -> PSValue {
        switch json {
        case .object(let members):
            var pairs: [(String, PSValue)] = []
            for (name, value) in members { pairs.append((name, plain(value, &shapes))) }
            return made(pairs, &shapes)
        case .array(let items):
            var values: [PSValue] = []
            for item in items { values.append(plain(item, &shapes)) }
            return .array(values)
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

    /// Whether a text is a date with a time.
    private static func isMoment(_ text: String) -> Bool {
        let units = text.utf8
        guard units.count >= 19, units.count < 36 else { return false }
        let bytes = Array(units.prefix(11))
        return bytes[4] == 0x2D && bytes[7] == 0x2D && bytes[10] == 0x54
    }
}
