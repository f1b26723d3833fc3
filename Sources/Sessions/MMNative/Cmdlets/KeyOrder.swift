/// The order of keys in Sort-Object, Group-Object and Select-Object -Unique: that of `-lt`, or of their texts where
/// `-lt` fails.
enum KeyOrder {
    /// Compares two keys; `nil` stands for a missing property, which comes last in either direction.
    static func compare(
        _ left: PSValue?, _ right: PSValue?, ignoringCase: Bool, isDescending: Bool
    ) throws(Interrupt) -> Int {
        guard let left else { return right == nil ? 0 : 1 }
        guard let right else { return -1 }
        let order = try compare(left, right, ignoringCase)
        return isDescending ? -order : order
    }

    private static func compare(_ left: PSValue, _ right: PSValue, _ ignoringCase: Bool) throws(Interrupt) -> Int {
        switch (left, right) {
        case (.string, .string), (.int, .int), (.null, _), (_, .null):
            return try Comparison.ordered(left, right, ignoringCase: ignoringCase)
        case (.object, _), (_, .object): throw .handOver("sorting by objects")
        case (.array, _), (_, .array):
            return try Collation.compare(try text(left), try text(right), ignoringCase: ignoringCase)
        case (.table, _), (_, .table), (.block, _), (_, .block), (.type, _), (_, .type), (.typeInfo, _), (_, .typeInfo):
            throw .handOver("sorting by \(left.typeName)")
        default:
            do throws(Interrupt) {
                return try Comparison.ordered(left, right, ignoringCase: ignoringCase)
            } catch {
                guard case .statement = error else { throw error }
                return try Collation.compare(try text(left), try text(right), ignoringCase: ignoringCase)
            }
        }
    }

    private static func text(_ value: PSValue) throws(Interrupt) -> String {
        switch value {
        case .array(let items):
            for item in items {
                switch item {
                case .array, .object, .table, .null: throw .handOver("sorting by lists of objects")
                default: continue
                }
            }
            return try PSText.string(value)
        default: return try PSText.string(value)
        }
    }
}
