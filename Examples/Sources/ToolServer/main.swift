// A Model Context Protocol server over standard input and output, with one tool.
//
//     swift run ToolServer
import Glibc
import MMCore
import MMMCP

do throws(MMError) {
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
    // Returns when the client has closed the input.
    try await StdioTransport.run(server)
} catch {
    // Print errors to standard error: standard output is for the protocol.
    let text = error.description + "\n"
    _ = write(STDERR_FILENO, text, text.utf8.count)
    exit(error.exitCode)
}
