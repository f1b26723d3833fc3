import MMCore
import Testing

@testable import MMMCP

/// The complete form in which clients see declarations, member by member.
@Suite("Declarations as clients see them")
struct ListedFormTests {
    private let icons = [Icon(source: "https://contoso.com/i.png", mimeType: "image/png", sizes: ["48x48"])]
    private let annotations = ContentAnnotations(
        audience: [.user, .assistant], priority: 0.5, lastModified: "2026-01-02T03:04:05Z")
    private let annotationsJSON: JSONValue = [
        "audience": ["user", "assistant"], "priority": 0.5, "lastModified": "2026-01-02T03:04:05Z",
    ]
    private let iconsJSON: JSONValue = [
        ["src": "https://contoso.com/i.png", "mimeType": "image/png", "sizes": ["48x48"]]
    ]

    @Test("a tool with everything, and with only a name")
    func tools() {
        let full = Tool(
            name: "t", title: "Tool", description: "Does it.", outputSchema: ["type": "array"],
            annotations: ToolAnnotations(readOnly: true, destructive: false, idempotent: true, openWorld: false),
            icons: icons, meta: ["k": 1]
        ) { _, _ in .text("x") }
        var expected: JSONObject = [
            "name": "t", "title": "Tool", "description": "Does it.",
            "inputSchema": ["type": "object", "additionalProperties": false], "outputSchema": ["type": "array"],
            "annotations": [
                "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false,
            ],
            "icons": iconsJSON, "_meta": ["k": 1],
        ]
        #expect(full.json(for: .v2026_07_28) == expected)
        // Older clients accept only objects as results.
        expected["outputSchema"] = nil
        #expect(full.json(for: .v2025_11_25) == expected)
        let plain = Tool(name: "t", description: "d") { _, _ in .text("x") }
        #expect(
            plain.json(for: .v2025_11_25) == [
                "name": "t", "description": "d", "inputSchema": ["type": "object", "additionalProperties": false],
            ])
    }

    @Test("a resource, a template and a link, with everything and with only a name")
    func resources() {
        let resource = Resource(
            uri: "mm://a", name: "a", title: "A", description: "d", mimeType: "text/plain", size: 7,
            annotations: annotations
        ) { _ in [] }
        #expect(
            resource.json == [
                "uri": "mm://a", "name": "a", "title": "A", "description": "d", "mimeType": "text/plain", "size": 7,
                "annotations": annotationsJSON,
            ])
        #expect(Resource(uri: "mm://a", name: "a") { _ in [] }.json == ["uri": "mm://a", "name": "a"])
        let template = ResourceTemplate(
            uriTemplate: "mm://{a}", name: "a", title: "A", description: "d", mimeType: "text/plain",
            annotations: annotations
        ) { _, _, _ in [] }
        #expect(
            template.json == [
                "uriTemplate": "mm://{a}", "name": "a", "title": "A", "description": "d", "mimeType": "text/plain",
                "annotations": annotationsJSON,
            ])
        #expect(
            ResourceTemplate(uriTemplate: "mm://{a}", name: "a") { _, _, _ in [] }.json
                == ["uriTemplate": "mm://{a}", "name": "a"])
        var blob = ResourceContents.blob([1, 2, 3], uri: "mm://a", mimeType: "image/png")
        blob.meta = ["k": 1]
        #expect(blob.json == ["uri": "mm://a", "mimeType": "image/png", "blob": "AQID", "_meta": ["k": 1]])
        #expect(
            ResourceContents.text("x", uri: "mm://a").json == ["uri": "mm://a", "mimeType": "text/plain", "text": "x"])
    }

    @Test("a prompt, its arguments and messages")
    func prompts() {
        let prompt = Prompt(
            name: "p", title: "P", description: "d",
            arguments: [
                PromptArgument(name: "a", title: "A", description: "of a", isRequired: true), PromptArgument(name: "b"),
            ], icons: icons
        ) { _, _ in .text("x") }
        #expect(
            prompt.json == [
                "name": "p", "title": "P", "description": "d",
                "arguments": [
                    ["name": "a", "title": "A", "description": "of a", "required": true],
                    ["name": "b", "required": false],
                ],
                "icons": iconsJSON,
            ])
        #expect(Prompt(name: "p") { _, _ in .text("x") }.json == ["name": "p"])
        let result = PromptResult(
            description: "d", messages: [.init(.user, .text("q")), .init(.assistant, .text("a"))])
        #expect(
            result.json(for: .v2025_11_25) == [
                "description": "d",
                "messages": [
                    ["role": "user", "content": ["type": "text", "text": "q"]],
                    ["role": "assistant", "content": ["type": "text", "text": "a"]],
                ],
            ])
    }

    @Test("a block of each kind, and its replacement for older clients")
    func content() {
        let link = ResourceLink(
            uri: "mm://a", name: "a", title: "A", description: "d", mimeType: "text/plain", size: 7)
        let cases: [(Content, ProtocolVersion, JSONValue)] = [
            (.text("x"), .v2024_11_05, ["type": "text", "text": "x"]),
            (
                .image([1], mimeType: "image/png"), .v2024_11_05,
                [
                    "type": "image", "data": "AQ==", "mimeType": "image/png",
                ]
            ),
            (
                .audio([1], mimeType: "audio/wav"), .v2025_03_26,
                [
                    "type": "audio", "data": "AQ==", "mimeType": "audio/wav",
                ]
            ),
            (
                .audio([1], mimeType: "audio/wav"), .v2024_11_05,
                ["type": "text", "text": "[audio, audio/wav, 1 bytes]"]
            ),
            (
                .link(link), .v2025_06_18,
                [
                    "type": "resource_link", "uri": "mm://a", "name": "a", "title": "A", "description": "d",
                    "mimeType": "text/plain", "size": 7,
                ]
            ),
            (.link(link), .v2025_03_26, ["type": "text", "text": "A: mm://a"]),
            (
                .resource(.text("x", uri: "mm://a")), .v2024_11_05,
                [
                    "type": "resource", "resource": ["uri": "mm://a", "mimeType": "text/plain", "text": "x"],
                ]
            ),
        ]
        for (content, version, expected) in cases { #expect(content.json(for: version) == expected) }
        var marked = Content.text("x")
        marked.annotations = annotations
        marked.meta = ["k": 1]
        #expect(
            marked.json(for: .v2025_11_25)
                == ["type": "text", "text": "x", "annotations": annotationsJSON, "_meta": ["k": 1]])
    }

    @Test("a result says whether it failed, and clients that support it get structured values")
    func results() {
        let list = ToolResult.structured(["a", 1])
        #expect(
            list.json(for: .v2026_07_28) == [
                "content": [["type": "text", "text": #"["a",1]"#]], "structuredContent": ["a", 1], "isError": false,
            ])
        #expect(
            list.json(for: .v2025_11_25) == ["content": [["type": "text", "text": #"["a",1]"#]], "isError": false])
        #expect(
            ToolResult.structured(["a": 1], text: "one").json(for: .v2025_06_18) == [
                "content": [["type": "text", "text": "one"]], "structuredContent": ["a": 1], "isError": false,
            ])
        var failure = ToolResult.failure("no")
        failure.meta = ["k": 1]
        #expect(
            failure.json(for: .v2025_11_25) == [
                "content": [["type": "text", "text": "no"]], "isError": true, "_meta": ["k": 1],
            ])
    }

    @Test("a server has its name, caching hints, and the number of completions")
    func server() {
        let info = ServerInfo(
            name: "s", title: "S", version: "1", description: "d", websiteURL: "https://contoso.com", icons: icons)
        #expect(
            info.json == [
                "name": "s", "title": "S", "version": "1", "description": "d", "websiteUrl": "https://contoso.com",
                "icons": iconsJSON,
            ])
        #expect(ServerInfo(name: "s", version: "1").json == ["name": "s", "version": "1"])
        var result: JSONObject = [:]
        CacheHint.lists.add(to: &result)
        #expect(result == ["ttlMs": 300_000, "cacheScope": "public"])
        CacheHint.resources.add(to: &result)
        #expect(result == ["ttlMs": 0, "cacheScope": "private"])
        let many = (1...101).map { "n\($0)" }
        let completion = Completion(many).json["completion"]
        #expect(completion?["values"]?.array?.count == 100)
        #expect(completion?["total"] == 101)
        #expect(completion?["hasMore"] == true)
        #expect(
            Completion.prefixed("AN", of: ["anna", "ben", "Antje"]).json
                == ["completion": ["values": ["anna", "Antje"], "total": 2, "hasMore": false]])
        #expect(Completion(["a"], total: 7).json["completion"]?["hasMore"] == true)
    }
}
