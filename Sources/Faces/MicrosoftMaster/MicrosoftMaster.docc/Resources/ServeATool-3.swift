import MMCore
import MMMCP

let greet = Tool(name: "greet", description: "Greets the user by the name they give.") { _, context in
    guard context.canAskForms else {
        throw MMError(.unsupported, "This client can't ask the user.", hint: "Use a client that offers elicitation.")
    }
    let form = try Form([.text("name", title: "Your name")])
    switch try await context.elicit("name", "What are you called?", form: form) {
    case .accepted(let fields): return .text("Good day, \(fields["name"]?.string ?? "").")
    case .declined, .dismissed: return .text("The user would rather not say.")
    }
}

let server = try MCPServer(ServerInfo(name: "words", version: "1.0.0"), tools: [greet])
try await StdioTransport.run(server)
