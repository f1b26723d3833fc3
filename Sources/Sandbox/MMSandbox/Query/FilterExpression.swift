/// A parsed `$filter` (OData 4.01 URL conventions, section 5.1.1).
indirect enum FilterExpression: Sendable {
    enum Comparison: String, Sendable {
        case eq, ne, gt, ge, lt, le
    }

    case literal(ODataValue)
    /// A property path; the first step may name a lambda variable.
    case path([String])
    /// The number of items of a collection property.
    case count([String])
    case compare(Comparison, FilterExpression, FilterExpression)
    case both(FilterExpression, FilterExpression)
    case either(FilterExpression, FilterExpression)
    case negated(FilterExpression)
    case oneOf(FilterExpression, [ODataValue])
    case call(String, [FilterExpression])
    case anyItem([String], variable: String, FilterExpression?)
    case allItems([String], variable: String, FilterExpression)

    /// The expressions directly below.
    var children: [FilterExpression] {
        switch self {
        case .literal, .path, .count: []
        case .compare(_, let left, let right), .both(let left, let right), .either(let left, let right): [left, right]
        case .negated(let inner), .oneOf(let inner, _), .allItems(_, _, let inner): [inner]
        case .call(_, let arguments): arguments
        case .anyItem(_, _, let inner): inner.map { [$0] } ?? []
        }
    }

    /// Whether this expression, or one below, satisfies a test.
    func contains(_ test: (FilterExpression) -> Bool) -> Bool {
        test(self) || children.contains { $0.contains(test) }
    }
}
