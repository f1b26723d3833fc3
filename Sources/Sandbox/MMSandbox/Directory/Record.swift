internal import MMCore

/// One row of a collection.
enum Record: Sendable {
    /// A user of the initial data.
    case user(UserRow)
    case object(JSONObject)

    /// Returns the value of a property; `nil` if the row has no such property.
    subscript(property: String) -> JSONValue? {
        switch self {
        case .user(let row): row.value(of: property)
        case .object(let members): members[property]
        }
    }

    /// The object id.
    var id: String {
        switch self {
        case .user(let row): row.id
        case .object(let members): members["id"]?.string ?? ""
        }
    }

    /// The type that the row itself names.
    var typeName: String? {
        if case .object(let members) = self { members["@odata.type"]?.string } else { nil }
    }

    /// Returns all properties, for a change.
    func members(of kind: EntityKind) -> JSONObject {
        switch self {
        case .user(let row):
            JSONObject(kind.properties.compactMap { name in row.value(of: name).map { (name, $0) } })
        case .object(let members): members
        }
    }

    /// Appends the JSON text of a property; `null` where there is none.
    /// - Parameter column: the same property, when it is one of the common ones of users.
    func appendValue(of property: String, column: UserColumn?, to bytes: inout [UInt8]) {
        switch self {
        case .user(let row):
            if let column { row.append(column, to: &bytes) } else { row.appendValue(of: property, to: &bytes) }
        case .object(let members):
            bytes.append(contentsOf: JSONWriter.bytes(members[property] ?? .null))
        }
    }
}
