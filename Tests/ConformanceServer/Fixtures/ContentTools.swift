import MMCore
import MMMCP

extension ConformanceServer {
    /// A red pixel.
    static let png: [UInt8] =
        Base64.bytes(
            "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mP8z8DwHwAFBQIAX8jx0gAAAABJRU5ErkJggg=="
        ) ?? []

    /// A sound of no samples.
    static let wav: [UInt8] =
        Base64.bytes("UklGRiQAAABXQVZFZm10IBAAAAABAAEAQB8AAIA+AAACABAAZGF0YQAAAAA=") ?? []

    static func contentTools() -> [Tool] {
        [
            Tool(name: "test_simple_text", description: "Answers a text.") { _, _ in
                .text("This is a simple text response for testing.")
            },
            Tool(name: "test_image_content", description: "Answers a picture.") { _, _ in
                .content(.image(png, mimeType: "image/png"))
            },
            Tool(name: "test_audio_content", description: "Answers a sound.") { _, _ in
                .content(.audio(wav, mimeType: "audio/wav"))
            },
            Tool(name: "test_embedded_resource", description: "Answers a resource with its contents.") { _, _ in
                .content(
                    .resource(
                        .text("This is an embedded resource content.", uri: "test://embedded-resource")
                    )
                )
            },
            Tool(name: "test_multiple_content_types", description: "Answers a text, a picture and a resource.") {
                _, _ in
                .content(
                    .text("Multiple content types test:"), .image(png, mimeType: "image/png"),
                    .resource(
                        .text(
                            #"{"test":"data","value":123}"#, uri: "test://mixed-content-resource",
                            mimeType: "application/json"
                        )
                    )
                )
            },
            Tool(
                name: "test_long_text", description: "Answers a text of so many megabytes, made while it is sent.",
                inputSchema: [
                    "type": "object", "properties": ["megabytes": ["type": "integer", "minimum": 0, "maximum": 1000]],
                ]
            ) { arguments, _ in
                let left = Mutex((arguments["megabytes"]?.int ?? 1) * 16)
                let piece = String(repeating: "0123456789abcdef", count: 4096)
                return .content(
                    .text(
                        TextStream {
                            left.withLock { left in
                                left -= 1
                                return left < 0 ? nil : piece
                            }
                        }
                    )
                )
            },
            Tool(name: "test_error_handling", description: "Fails.") { _, _ in
                .failure("This tool intentionally returns an error for testing")
            },
        ]
    }

    /// A schema with features that 2020-12 added; it has to be passed on unchanged.
    static let richSchema: JSONObject = [
        "$schema": "https://json-schema.org/draft/2020-12/schema", "type": "object",
        "$defs": [
            "address": [
                "$anchor": "addressDef", "type": "object",
                "properties": ["street": ["type": "string"], "city": ["type": "string"]],
            ]
        ],
        "properties": [
            "name": ["type": "string"], "address": ["$ref": "#/$defs/address"],
            "contactMethod": ["type": "string", "enum": ["phone", "email"]], "phone": ["type": "string"],
            "email": ["type": "string"],
        ],
        "allOf": [["anyOf": [["required": ["phone"]], ["required": ["email"]]]]],
        "if": ["properties": ["contactMethod": ["const": "phone"]], "required": ["contactMethod"]],
        "then": ["required": ["phone"]], "else": ["required": ["email"]], "additionalProperties": false,
    ]

    static func schemaTool() -> Tool {
        Tool(
            name: "json_schema_2020_12_tool", description: "Has a schema of many keywords.", inputSchema: richSchema
        ) { arguments, _ in .text("Called with \(JSONValue.object(arguments))") }
    }

    static func headerTool() -> Tool {
        Tool(
            name: "test_custom_header", description: "Has a parameter that clients repeat in a header.",
            inputSchema: [
                "type": "object",
                "properties": [
                    "region": ["type": "string", "x-mcp-header": "Region"],
                    "count": ["type": "integer", "x-mcp-header": "Count"],
                    "dry": ["type": "boolean", "x-mcp-header": "Dry"],
                ],
            ]
        ) { arguments, _ in .text("region \(arguments["region"]?.string ?? "none")") }
    }
}
