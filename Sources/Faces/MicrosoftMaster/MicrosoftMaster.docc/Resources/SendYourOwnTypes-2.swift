import MMFoundation
import MMGraph

struct List: Encodable {
    let displayName: String
}

struct Made: Decodable {
    let id: String
}

let graph = try GraphClient(connection: "Contoso")
let list = try await graph.send(
    "POST", "/me/todo/lists", encoding: List(displayName: "This week"), as: Made.self)
print(list.id)
