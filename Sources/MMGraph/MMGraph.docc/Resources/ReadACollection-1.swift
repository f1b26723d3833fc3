import MMGraph

let graph = try GraphClient(connection: "Contoso")
