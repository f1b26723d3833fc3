import MMCore
import MMMCP

extension ConformanceServer {
    static func prompts() throws(MMError) -> [Prompt] {
        let context = try Form([.text("context", description: "What the prompt is about")])
        let complete: Completer = { value, _, _ in .prefixed(value, of: ["paris", "park", "party", "london"]) }
        return [
            Prompt(name: "test_simple_prompt", description: "A prompt without arguments.") { _, _ in
                .text("This is a simple prompt for testing.")
            },
            Prompt(
                name: "test_prompt_with_arguments", description: "A prompt with two arguments.",
                arguments: [
                    PromptArgument(
                        name: "arg1", description: "First test argument", isRequired: true, complete: complete),
                    PromptArgument(
                        name: "arg2", description: "Second test argument", isRequired: true, complete: complete),
                ]
            ) { arguments, _ in
                .text("Prompt with arguments: arg1='\(arguments["arg1"] ?? "")', arg2='\(arguments["arg2"] ?? "")'")
            },
            Prompt(
                name: "test_prompt_with_embedded_resource", description: "A prompt that carries a resource.",
                arguments: [PromptArgument(name: "resourceUri", description: "Its address", isRequired: true)]
            ) { arguments, _ in
                PromptResult(messages: [
                    PromptResult.Message(
                        .user,
                        .resource(
                            .text("Embedded resource content for testing.", uri: arguments["resourceUri"] ?? "")
                        )
                    ),
                    PromptResult.Message(.user, .text("Please process the embedded resource above.")),
                ])
            },
            Prompt(name: "test_prompt_with_image", description: "A prompt that carries a picture.") { _, _ in
                PromptResult(messages: [
                    PromptResult.Message(.user, .image(png, mimeType: "image/png")),
                    PromptResult.Message(.user, .text("Please analyze the image above.")),
                ])
            },
            Prompt(name: "test_input_required_result_prompt", description: "A prompt that asks first.") { _, request in
                let answer = try await request.elicit("user_context", "What is it about?", form: context)
                guard case .accepted(let content) = answer else { return .text("No context was given.") }
                return .text("With context: \(content["context"]?.string ?? "")")
            },
        ]
    }

    static func resources() -> [Resource] {
        [
            Resource(
                uri: "test://static-text", name: "Static Text Resource", description: "A text for testing.",
                mimeType: "text/plain"
            ) { _ in
                [.text("This is the content of the static text resource.", uri: "test://static-text")]
            },
            Resource(
                uri: "test://static-binary", name: "Static Binary Resource", description: "A picture for testing.",
                mimeType: "image/png"
            ) { _ in [.blob(png, uri: "test://static-binary", mimeType: "image/png")] },
            Resource(
                uri: "test://watched-resource", name: "Watched Resource", description: "A resource to subscribe to.",
                mimeType: "text/plain"
            ) { _ in [.text("Watched resource content.", uri: "test://watched-resource")] },
        ]
    }

    static func templates() -> [ResourceTemplate] {
        [
            ResourceTemplate(
                uriTemplate: "test://template/{id}/data", name: "Resource Template",
                description: "A resource with a blank.", mimeType: "application/json",
                completions: ["id": { value, _, _ in .prefixed(value, of: ["123", "124", "200"]) }]
            ) { uri, variables, _ in
                let id = variables["id"] ?? ""
                return [
                    .json(["id": .string(id), "templateTest": true, "data": .string("Data for ID: \(id)")], uri: uri)
                ]
            }
        ]
    }
}
