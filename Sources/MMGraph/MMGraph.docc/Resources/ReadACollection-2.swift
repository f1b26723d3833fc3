import MMGraph

let graph = try GraphClient(
    connection: "Contoso",
    signIn: .deviceCode { prompt in print(prompt.message) })
