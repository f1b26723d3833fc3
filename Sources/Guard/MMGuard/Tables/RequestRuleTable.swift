import CGuardTables
import MMCore

/// The rules that determine the class of a request, in order of priority, read in place.
struct RequestRuleTable: Sendable {
    /// One rule.
    struct Rule: Sendable {
        let id: String
        let why: String
        let classes: GuardClassSet
        /// Whether every item of the body is to be judged instead.
        let isBatch: Bool
        /// Whether it applies only to a query that selects one of certain properties.
        let isForSelection: Bool
    }

    private static let rowSize = 32
    private static let batch: UInt16 = 0x8000
    private static let openEnded: UInt32 = 0x8000_0000
    private let file = TableFile(cguard_request_rules().bytes, length: cguard_request_rules().length, magic: "MMR1")
    private let rows: UnsafeTable
    private let list: UnsafeTable

    init() {
        rows = UnsafeTable(file.section(1), size: Self.rowSize)
        list = UnsafeTable(file.section(2), size: 4)
    }

    /// The number of rules.
    var count: UInt32 { UInt32(file.sectionLength(1) / Self.rowSize) }

    /// Returns the first rule that applies to one of the forms of a path.
    func first(
        service: RequestService, method: RequestMethod, forms: [[String]], body: RequestBody, selected: SelectedNames
    ) -> Rule? {
        first(Self.number(of: service), method, forms, body, selected)
    }

    /// Returns whether a rule depends on whether a query selects this property (in lower case).
    func mentions(property name: String) -> Bool { Self.mentioned.contains(name) }

    /// The properties that rules mention. Every segment of every path is looked up here.
    private static let mentioned: Set<String> = {
        let table = RequestRuleTable()
        return (0..<table.count).reduce(into: []) { names, row in
            let first = table.rows.u32(row, 16)
            for place in first..<first + UInt32(table.rows.u16(row, 24)) {
                names.insert(table.file.string(table.list.u32(place, 0)))
            }
        }
    }()

    /// Returns the first rule for a step of a request to SharePoint's object interface, by the step's name alone.
    func first(objectStep name: String, method: RequestMethod) -> Rule? {
        first(Self.objectSteps, method, [[name]], .none, SelectedNames([]))
    }

    private func first(
        _ number: UInt8, _ method: RequestMethod, _ forms: [[String]], _ body: RequestBody, _ selected: SelectedNames
    ) -> Rule? {
        for row in 0..<count {
            guard rows.u8(row, 30) == number, rows.u16(row, 28) & method.bit != 0,
                forms.contains(where: { matchesPath(row, $0) }), bodyHolds(row, body, method),
                selectHolds(row, selected)
            else { continue }
            return rule(row)
        }
        return nil
    }

    /// Returns the rule in a row.
    func rule(_ row: UInt32) -> Rule {
        let value = rows.u16(row, 26)
        return Rule(
            id: file.string(rows.u32(row, 0)), why: file.string(rows.u32(row, 4)),
            classes: value == Self.batch ? [] : GuardClassSet(rawValue: value), isBatch: value == Self.batch,
            isForSelection: rows.u16(row, 24) > 0)
    }

    /// Returns service, methods and patterns of a row, for listings.
    func description(_ row: UInt32) -> (service: String, methods: [String], patterns: [String]) {
        let service =
            RequestService.allCases.first { Self.number(of: $0) == rows.u8(row, 30) }?.rawValue ?? "sharePoint objects"
        let methods = RequestMethod.allCases.filter { rows.u16(row, 28) & $0.bit != 0 && $0.bit != 0 }.map(\.rawValue)
        var patterns: [String] = []
        forEachPattern(row) { start, count, _ in
            patterns.append((start..<start + count).map { "/" + file.string(list.u32($0, 0)) }.joined())
        }
        return (service, methods, patterns)
    }

    private static func number(of service: RequestService) -> UInt8 {
        switch service {
        case .graph: 0
        case .flow: 1
        case .arm: 2
        case .exchange: 3
        case .bap: 4
        case .powerApps: 5
        case .sharePoint: 6
        case .teams: 7
        case .powerPlatform: 8
        case .dataverse: 9
        case .keyVault: 10
        case .storage: 11
        case .signIn: 12
        }
    }

    /// The number by which the table marks rules for steps of SharePoint's object requests.
    private static let objectSteps: UInt8 = 13

    private func forEachPattern(
        _ row: UInt32, _ body: (_ start: UInt32, _ count: UInt32, _ isOpenEnded: Bool) -> Void
    ) {
        var position = rows.u32(row, 8)
        for _ in 0..<rows.u16(row, 20) {
            let mark = list.u32(position, 0)
            let count = mark & ~Self.openEnded
            body(position + 1, count, mark & Self.openEnded != 0)
            position += 1 + count
        }
    }

    private func matchesPath(_ row: UInt32, _ path: [String]) -> Bool {
        var holds = false
        forEachPattern(row) { start, count, isOpenEnded in
            guard !holds, isOpenEnded ? path.count + 3 >= count : path.count == count else { return }
            holds = matches(start, start + count, path[...])
        }
        return holds
    }

    private func matches(_ position: UInt32, _ end: UInt32, _ path: ArraySlice<String>) -> Bool {
        guard position < end else { return path.isEmpty }
        let offset = list.u32(position, 0)
        if file.equals(offset, "**") {
            for skip in 0...path.count where matches(position + 1, end, path.dropFirst(skip)) { return true }
            return false
        }
        guard let segment = path.first else { return false }
        let pattern = file.bytes(offset)
        let isMatch: Bool
        if file.equals(offset, "{}") {
            isMatch = true
        } else if pattern.last == UInt8(ascii: "*"), pattern.first == UInt8(ascii: "*") {
            isMatch = segment.contains(String(file.string(offset).dropFirst().dropLast()))
        } else if pattern.last == UInt8(ascii: "*") {
            isMatch = segment.utf8.starts(with: pattern.dropLast())
        } else {
            isMatch = file.equals(offset, segment)
        }
        return isMatch && matches(position + 1, end, path.dropFirst())
    }

    private func bodyHolds(_ row: UInt32, _ body: RequestBody, _ method: RequestMethod) -> Bool {
        let count = UInt32(rows.u16(row, 22))
        guard count > 0 else { return true }
        // A body that isn't a readable object may contain anything.
        guard case .json(let value) = body, value.object != nil else { return true }
        let first = rows.u32(row, 12)
        return (first..<first + count).contains {
            BodyProbe.contains(file.string(list.u32($0, 0)), in: value, isNew: method == .post)
        }
    }

    private func selectHolds(_ row: UInt32, _ selected: SelectedNames) -> Bool {
        let count = UInt32(rows.u16(row, 24))
        guard count > 0 else { return true }
        let first = rows.u32(row, 16)
        return (first..<first + count).contains { selected.contains(file.string(list.u32($0, 0))) }
    }
}

/// Looks for a property in a body. Dots descend, arrays are passed through, names are compared without case, and a name
/// may contain dots itself (`members@odata.bind`). A condition can end with `=` and the values that count, separated by
/// `|` and compared without case: `scope=everyone`, `destinationId=purges*`. This is for fields that modules always
/// send, so that their presence means nothing.
enum BodyProbe {
    /// Returns whether the property (in lower case) occurs with a value that counts.
    /// - Parameter isNew: whether the body creates an object. Then empty, null and false values count as missing; in a
    ///   change they remove something.
    static func contains(_ condition: String, in body: JSONValue, isNew: Bool = false) -> Bool {
        let parts = condition.split(separator: "=", maxSplits: 1)
        guard let path = parts.first else { return false }
        let wanted = parts.count == 2 ? parts[1].split(separator: "|").map(String.init) : nil
        return search(path.utf8, body, depth: 0) { found in
            if let wanted { return holds(found, wanted) }
            return !isNew || !saysNothing(found)
        }
    }

    private static func search(
        _ path: Substring.UTF8View, _ body: JSONValue, depth: Int, counts: (JSONValue) -> Bool
    ) -> Bool {
        guard depth < 64 else { return true }
        switch body {
        case .array(let items): return items.contains { search(path, $0, depth: depth + 1, counts: counts) }
        case .object(let members):
            for (key, member) in members {
                let name = key.asciiLowercased.utf8
                guard path.starts(with: name) else { continue }
                let rest = path.dropFirst(name.count)
                if rest.isEmpty, counts(member) { return true }
                if rest.first == UInt8(ascii: "."),
                    search(rest.dropFirst(), member, depth: depth + 1, counts: counts)
                {
                    return true
                }
            }
            return false
        default: return body == RequestBody.unknownValue
        }
    }

    /// Returns whether a value is one of these; `*` stands for any rest. An unknown value may be any of them.
    private static func holds(_ found: JSONValue, _ wanted: [String]) -> Bool {
        guard found != RequestBody.unknownValue else { return true }
        switch found {
        case .array(let items): return items.contains { holds($0, wanted) }
        case .bool(let flag): return wanted.contains(flag ? "true" : "false")
        case .string(let text):
            let text = text.asciiLowercased
            return wanted.contains { $0.hasSuffix("*") ? text.hasPrefix($0.dropLast()) : text == $0 }
        case .null: return wanted.contains("null")
        case .object, .int, .double, .number: return true
        }
    }

    private static func saysNothing(_ value: JSONValue) -> Bool {
        switch value {
        case .null, .bool(false): true
        case .array(let items): items.isEmpty
        case .object(let members): members.isEmpty
        default: false
        }
    }
}
