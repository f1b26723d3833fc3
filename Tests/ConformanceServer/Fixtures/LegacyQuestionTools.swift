import MMCore
import MMMCP

extension ConformanceServer {
    private static func told(_ answer: ElicitationAnswer) -> ToolResult {
        switch answer {
        case .accepted(let content): .text("Elicitation completed: action=accept, content=\(JSONValue.object(content))")
        case .declined: .text("Elicitation completed: action=decline")
        case .dismissed: .text("Elicitation completed: action=cancel")
        }
    }

    static func legacyQuestionTools() throws(MMError) -> [Tool] {
        let contact = try Form([
            .text("username", description: "User's response"), .text("email", description: "User's email address"),
        ])
        let fields: [Form.Field] = [
            .text("name", description: "User name", default: "John Doe"),
            .integer("age", description: "User age", default: 30),
            .number("score", description: "User score", default: 95.5),
            .choice("status", of: ["active", "inactive", "pending"], description: "User status", default: "active"),
            .boolean("verified", description: "Verification status", default: true),
        ]
        let defaults = try Form(fields.map(\.optional))
        let words = ["option1", "option2", "option3"]
        let named: JSONObject = [
            "type": "object",
            "properties": [
                "untitledSingle": ["type": "string", "enum": ["option1", "option2", "option3"]],
                "titledSingle": [
                    "type": "string",
                    "oneOf": [
                        ["const": "value1", "title": "First Option"], ["const": "value2", "title": "Second Option"],
                        ["const": "value3", "title": "Third Option"],
                    ],
                ],
                "legacyEnum": [
                    "type": "string", "enum": ["opt1", "opt2", "opt3"],
                    "enumNames": ["Option One", "Option Two", "Option Three"],
                ],
                "untitledMulti": [
                    "type": "array", "items": ["type": "string", "enum": .array(words.map(JSONValue.string))],
                ],
                "titledMulti": [
                    "type": "array",
                    "items": [
                        "anyOf": [
                            ["const": "value1", "title": "First Choice"],
                            ["const": "value2", "title": "Second Choice"],
                            ["const": "value3", "title": "Third Choice"],
                        ]
                    ],
                ],
            ],
        ]
        let enums = try Form(schema: named)
        let oneText: JSONObject = [
            "type": "object", "properties": ["message": ["type": "string"]], "required": ["message"],
        ]
        let onePrompt: JSONObject = [
            "type": "object", "properties": ["prompt": ["type": "string"]], "required": ["prompt"],
        ]
        return [
            Tool(name: "test_sampling", description: "Asks the client's model.", inputSchema: onePrompt) {
                arguments, context in
                let answer = try await context.sample(
                    "sampling", SamplingRequest(arguments["prompt"]?.string ?? "", maxTokens: 100)
                )
                return .text("LLM response: \(answer.text)")
            },
            Tool(name: "test_elicitation", description: "Asks the user.", inputSchema: oneText) { arguments, context in
                told(try await context.elicit("contact", arguments["message"]?.string ?? "", form: contact))
            },
            Tool(name: "test_elicitation_sep1034_defaults", description: "Asks with defaults.") { _, context in
                told(try await context.elicit("defaults", "Please review and update the form fields", form: defaults))
            },
            Tool(name: "test_elicitation_sep1330_enums", description: "Asks for choices of every form.") { _, context in
                told(try await context.elicit("enums", "Please select options from the enum fields", form: enums))
            },
        ]
    }
}
