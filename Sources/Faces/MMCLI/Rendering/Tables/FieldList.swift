import MMCore
import MMOperations

/// One object as rows of a name and a value, with the members of objects inside it under names with dots.
struct FieldList: Sendable {
    /// The rows, each a name and a value.
    let rows: [[String]]

    /// The members of an object.
    /// - Parameters:
    ///   - object: the object.
    ///   - isReadable: whether values are written as people read them; otherwise as the service sent them.
    init(_ object: JSONObject, isReadable: Bool) {
        rows = Self.rows(of: object, under: "", isReadable)
    }

    private static func rows(of object: JSONObject, under prefix: String, _ isReadable: Bool) -> [[String]] {
        object.flatMap { name, value -> [[String]] in
            // What describes the answer and not the object.
            if isReadable, name.hasPrefix("@odata.") { return [] }
            if let inner = value.object, !inner.isEmpty {
                return rows(of: inner, under: prefix + name + ".", isReadable)
            }
            return [[prefix + name, isReadable ? ReadableCell.text(value, in: prefix + name) : value.cellText]]
        }
    }
}
