/// What a property of an entity holds.
enum PropertyType: Character, Sendable {
    case text = "s"
    case flag = "b"
    case whole = "n"
    case time = "d"
    case complex = "o"
    case collection = "c"

    /// The name in messages of the service.
    var edmName: String {
        switch self {
        case .text: "Edm.String"
        case .flag: "Edm.Boolean"
        case .whole: "Edm.Int32"
        case .time: "Edm.DateTimeOffset"
        case .complex: "microsoft.graph.complexType"
        case .collection: "Collection(Edm.String)"
        }
    }
}
