import MMCore
import TestSupport

/// A filter as a tree, with its text and, apart from the service's own code, its meaning.
///
/// The meaning is written to be obviously right and slow: it knows rows as JSON, compares folded texts, and has no
/// parser, no tables and no shortcuts in common with what it checks.
indirect enum NaiveFilter {
    case compare(String, String, JSONValue)
    case call(String, String, String)
    case oneOf(String, [String])
    case flag(String)
    case both(NaiveFilter, NaiveFilter)
    case either(NaiveFilter, NaiveFilter)
    case negated(NaiveFilter)
    case anyText(String, String, String)
    case allTexts(String, String, String)
    case anyLicense(String)
    case empty(String)
    case year(String, String, Int)
    case lengthOf(String, String, Int)

    static func literal(_ value: JSONValue) -> String {
        switch value {
        case .string(let text):
            "'\(text.split(separator: "'", omittingEmptySubsequences: false).joined(separator: "''"))'"
        case .object(let time): time["time"]?.string ?? "null"
        default: value.description
        }
    }

    var text: String {
        switch self {
        case .compare(let property, let operation, let value): "\(property) \(operation) \(Self.literal(value))"
        case .call(let function, let property, let argument):
            "\(function)(\(property),\(Self.literal(.string(argument))))"
        case .oneOf(let property, let values):
            "\(property) in (\(values.map { Self.literal(.string($0)) }.joined(separator: ", ")))"
        case .flag(let property): property
        case .both(let left, let right): "\(left.grouped) and \(right.grouped)"
        case .either(let left, let right): "\(left.grouped) or \(right.grouped)"
        case .negated(let inner): "not (\(inner.text))"
        case .anyText(let property, let function, let argument):
            "\(property)/any(x:\(function)(x,\(Self.literal(.string(argument)))))"
        case .allTexts(let property, let operation, let value):
            "\(property)/all(x: x \(operation) \(Self.literal(.string(value))))"
        case .anyLicense(let sku): "assignedLicenses/any(l:l/skuId eq \(sku))"
        case .empty(let property): "\(property)/$count eq 0"
        case .year(let property, let operation, let year): "year(\(property)) \(operation) \(year)"
        case .lengthOf(let property, let operation, let length): "length(\(property)) \(operation) \(length)"
        }
    }

    private var grouped: String {
        switch self {
        case .both, .either: "(\(text))"
        default: text
        }
    }

    func holds(_ row: JSONObject) -> Bool {
        switch self {
        case .compare(let property, let operation, let value):
            return Self.compare(row[property] ?? .null, operation, value)
        case .call(let function, let property, let argument): return Self.call(function, row[property], argument)
        case .oneOf(let property, let values):
            guard let text = row[property]?.string else { return false }
            return values.map { $0.lowercased() }.contains(text.lowercased())
        case .flag(let property): return row[property] == true
        case .both(let left, let right): return left.holds(row) && right.holds(row)
        case .either(let left, let right): return left.holds(row) || right.holds(row)
        case .negated(let inner): return !inner.holds(row)
        case .anyText(let property, let function, let argument):
            for item in row[property]?.array ?? [] where Self.call(function, item, argument) { return true }
            return false
        case .allTexts(let property, let operation, let value):
            for item in row[property]?.array ?? [] where !Self.compare(item, operation, .string(value)) { return false }
            return true
        case .anyLicense(let sku): return (row["assignedLicenses"]?.array ?? []).contains { $0["skuId"]?.string == sku }
        case .empty(let property): return (row[property]?.array ?? []).isEmpty
        case .year(let property, let operation, let year):
            guard let text = row[property]?.string, let found = Int(text.prefix(4)) else { return operation == "ne" }
            return Self.ordered(Double(found), operation, Double(year))
        case .lengthOf(let property, let operation, let length):
            guard let text = row[property]?.string else { return operation == "ne" }
            return Self.ordered(Double(text.count), operation, Double(length))
        }
    }

    private static func call(_ function: String, _ value: JSONValue?, _ argument: String) -> Bool {
        guard let text = value?.string?.lowercased() else { return false }
        let wanted = argument.lowercased()
        switch function {
        case "startswith": return text.hasPrefix(wanted)
        case "endswith": return text.hasSuffix(wanted)
        default:
            if wanted.isEmpty { return true }
            return text.indices.contains { text[$0...].hasPrefix(wanted) }
        }
    }

    private static func compare(_ left: JSONValue, _ operation: String, _ right: JSONValue) -> Bool {
        if left == .null || right == .null {
            let same = left == .null && right == .null
            return operation == "eq" ? same : operation == "ne" ? !same : false
        }
        if let time = right["time"]?.string {
            guard let one = left.string.flatMap({ Timestamp(iso8601: $0) }), let two = Timestamp(iso8601: time) else {
                return false
            }
            return ordered(Double(one.seconds), operation, Double(two.seconds))
        }
        if let one = left.bool, let two = right.bool {
            return operation == "eq" ? one == two : operation == "ne" ? one != two : false
        }
        guard let one = left.string?.lowercased(), let two = right.string?.lowercased() else {
            return operation == "ne"
        }
        return ordered(one, operation, two)
    }

    private static func ordered<Value: Comparable>(_ left: Value, _ operation: String, _ right: Value) -> Bool {
        switch operation {
        case "eq": left == right
        case "ne": left != right
        case "lt": left < right
        case "le": left <= right
        case "gt": left > right
        default: left >= right
        }
    }
}

/// Makes filters of all kinds over users.
struct FilterMaker {
    var numbers: SeededRandom
    let rows: [JSONObject]

    private static let texts = [
        "displayName", "givenName", "surname", "mail", "userPrincipalName", "jobTitle", "department", "officeLocation",
        "city", "country",
        "usageLocation", "userType", "employeeId", "companyName", "state",
    ]
    private static let operations = ["eq", "ne", "lt", "le", "gt", "ge"]

    mutating func pick<Item>(_ items: [Item]) -> Item { items[Int.random(in: 0..<items.count, using: &numbers)] }

    /// A text that some row has there, or a part of it, in another case now and then.
    private mutating func sample(_ property: String, part: Bool) -> String {
        let text = pick(rows)[property]?.string ?? "nobody's"
        let cased = Bool.random(using: &numbers) ? text : text.uppercased()
        guard part, !cased.isEmpty else { return cased }
        let characters = Array(cased)
        let start = Int.random(in: 0..<characters.count, using: &numbers)
        let end = Int.random(in: start..<characters.count, using: &numbers)
        return String(characters[start...end])
    }

    mutating func filter(depth: Int) -> NaiveFilter {
        if depth > 0, Int.random(in: 0..<3, using: &numbers) > 0 {
            switch Int.random(in: 0..<5, using: &numbers) {
            case 0, 1: return .both(filter(depth: depth - 1), filter(depth: depth - 1))
            case 2, 3: return .either(filter(depth: depth - 1), filter(depth: depth - 1))
            default: return .negated(filter(depth: depth - 1))
            }
        }
        let property = pick(Self.texts)
        switch Int.random(in: 0..<14, using: &numbers) {
        case 0, 1: return .compare(property, pick(Self.operations), .string(sample(property, part: false)))
        case 2: return .compare(property, pick(["eq", "ne"]), .null)
        case 3:
            let text = sample(property, part: false)
            return .call("startswith", property, String(text.prefix(Int.random(in: 0...4, using: &numbers))))
        case 4:
            return .call(
                "endswith", property,
                String(sample(property, part: false).suffix(Int.random(in: 0...4, using: &numbers))))
        case 5: return .call("contains", property, sample(property, part: true))
        case 6:
            return .oneOf(
                property, (0..<Int.random(in: 1...4, using: &numbers)).map { _ in sample(property, part: false) })
        case 7: return .flag("accountEnabled")
        case 8: return .compare("accountEnabled", pick(["eq", "ne"]), .bool(.random(using: &numbers)))
        case 9:
            let time = pick(rows)["createdDateTime"]?.string ?? "2025-01-01T00:00:00Z"
            return .compare("createdDateTime", pick(Self.operations), ["time": .string(time)])
        case 10:
            return .anyText(
                "proxyAddresses", pick(["startswith", "endswith", "contains"]),
                pick(["SMTP:", "smtp:a", ".example", "an"]))
        case 11:
            return .anyLicense(pick(["05e9a617-0261-4cee-bb44-138d3ef5d965", "06ebc4ee-1bb5-47dd-8120-11324bc54e06"]))
        case 12:
            return pick([
                .empty("businessPhones"), .empty("assignedLicenses"),
                .allTexts("businessPhones", "ne", "+1 206 555 0000"),
            ])
        default:
            return Bool.random(using: &numbers)
                ? .year("createdDateTime", pick(Self.operations), Int.random(in: 2019...2026, using: &numbers))
                : .lengthOf(property, pick(Self.operations), Int.random(in: 0...20, using: &numbers))
        }
    }
}
