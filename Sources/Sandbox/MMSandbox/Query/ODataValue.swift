internal import MMCore

/// What an expression of a `$filter` evaluates to.
enum ODataValue: Sendable {
    case null
    case bool(Bool)
    case number(Double)
    case string(String)
    /// Seconds since 1970.
    case instant(Double)
    case list([JSONValue])
    case object(JSONObject)

    init(_ json: JSONValue) {
        switch json {
        case .null: self = .null
        case .bool(let flag): self = .bool(flag)
        case .int(let number): self = .number(Double(number))
        case .double(let number): self = .number(number)
        case .number(let text): self = .number(Double(text) ?? .nan)
        case .string(let text): self = .string(text)
        case .array(let items): self = .list(items)
        case .object(let members): self = .object(members)
        }
    }

    /// The text, when this is one.
    var text: String? {
        if case .string(let text) = self { text } else { nil }
    }

    var isTrue: Bool {
        if case .bool(let flag) = self { flag } else { false }
    }

    /// Whether two values are equal as the service compares them: texts without case, instants by time.
    func equals(_ other: ODataValue) -> Bool {
        switch (self, other) {
        case (.null, .null): true
        case (.bool(let left), .bool(let right)): left == right
        case (.number(let left), .number(let right)): left == right
        case (.string(let left), .string(let right)): CaselessText.equal(left, right)
        case (.instant(let left), .instant(let right)): left == right
        case (.instant(let left), .string(let right)): ServiceTime.seconds(right) == left
        case (.string(let left), .instant(let right)): ServiceTime.seconds(left) == right
        default: false
        }
    }

    /// Whether this value comes before another; `nil` where the two have no order.
    func precedes(_ other: ODataValue) -> Bool? {
        switch (self, other) {
        case (.number(let left), .number(let right)): left < right
        case (.string(let left), .string(let right)): CaselessText.precedes(left, right)
        case (.instant(let left), .instant(let right)): left < right
        case (.instant(let left), .string(let right)): ServiceTime.seconds(right).map { left < $0 }
        case (.string(let left), .instant(let right)): ServiceTime.seconds(left).map { $0 < right }
        default: nil
        }
    }
}
