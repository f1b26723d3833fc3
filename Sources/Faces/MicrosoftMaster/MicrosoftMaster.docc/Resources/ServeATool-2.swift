import MMCore
import MMMCP

let count = Tool(
    name: "count_words",
    description: "Counts the words of a text. Example: text \"two words\" gives 2.",
    inputSchema: [
        "type": "object", "properties": ["text": ["type": "string"]], "required": ["text"],
        "additionalProperties": false,
    ],
    annotations: ToolAnnotations(readOnly: true)
) { arguments, _ in
    let words = (arguments["text"]?.string ?? "").split(whereSeparator: \.isWhitespace)
    return .text("\(words.count)")
}

let server = try MCPServer(ServerInfo(name: "words", version: "1.0.0"), tools: [count])
try await StdioTransport.run(server)
