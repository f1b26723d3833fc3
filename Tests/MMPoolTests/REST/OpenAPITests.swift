import Glibc
import MMCore
import MMHTTP
import MMOperations
import MMSystem
import Testing

@testable import MMPool

@Suite("The OpenAPI document", .timeLimit(.minutes(5)))
struct OpenAPITests {
    private static let document = OpenAPIDocument(.standard).json

    @Test("every operation for programs is described, with its arguments and valid examples")
    func operations() throws {
        let paths = try #require(Self.document["paths"]?.object)
        for operation in Catalogue.standard.operations {
            let declaration = operation.declaration
            let item = paths["/v1/operations/\(declaration.name)"]
            let isOffered = declaration.audience == .everyone || declaration.effects.readOnly
            #expect((item != nil) == isOffered, "\(declaration.name)")
            guard let media = item?["post"]?["requestBody"]?["content"]?["application/json"] else { continue }
            let schema = try #require(Self.resolved(media["schema"]))
            #expect(schema["properties"]?.object?.keys == operation.fields.map(\.name))
            for example in media["examples"]?.object?.values ?? [] {
                let value = try #require(example["value"]?.object)
                _ = try InputReader(operation: declaration.name, arguments: value, fields: operation.fields)
                for (name, given) in value where schema["properties"]?[name]?["type"] == "object" {
                    #expect(given.object != nil, "\(declaration.name): \(name)")
                }
            }
        }
        let run = paths["/v1/operations/run"]?["post"]?["requestBody"]?["content"]?["application/json"]
        #expect((run?["examples"]?.object?.count ?? 0) > 0)
        #expect(run?["examples"]?["example1"]?["value"]?["connection"]?.string?.isEmpty == false)
    }

    @Test(
        "generators of clients find the items of every list, and one list of words for each choice, without null in it")
    func generators() throws {
        var open: [JSONValue] = [.object(Self.document)]
        var choices = 0
        while let value = open.popLast() {
            open += value.array ?? []
            open += value.object?.values ?? []
            let types = value["type"]?.array ?? [value["type"] ?? .null]
            if types.contains("array") { #expect(value["items"] != nil, "\(value)") }
            guard let words = value["enum"]?.array else { continue }
            #expect(value["type"] == "string" && !words.contains(.null), "\(value)")
            choices += 1
        }
        #expect(choices > 0)
        let arguments = Self.document["components"]?["schemas"]?["GraphRequestArguments"]
        let method = arguments?["properties"]?["method"]
        #expect(method?["anyOf"]?.array?.last == ["type": "null"])
        #expect(method?["description"]?.string?.isEmpty == false)
    }

    /// Follows a reference within the document.
    private static func resolved(_ value: JSONValue?) -> JSONValue? {
        guard let reference = value?["$ref"]?.string else { return value }
        return reference.split(separator: "/").dropFirst()
            .reduce(JSONValue?.some(.object(document))) { $0?[String($1)] }
    }

    @Test("all references can be resolved")
    func references() throws {
        var open: [JSONValue] = [.object(Self.document)]
        while let value = open.popLast() {
            open += value.array ?? []
            open += value.object?.values ?? []
            #expect(Self.resolved(value) != nil, "\(value)")
        }
    }

    @Test("the routes of the document are the routes of the router")
    func routes() async throws {
        let home = try RESTHome()
        let router = RESTRouter(
            service: LocalOperationService(services: home.services), handshake: { SocketPool.handshake },
            services: home.services)
        for (path, item) in Self.document["paths"]?.object ?? [:] {
            for method in item.object?.keys ?? [] where method != "parameters" {
                let target = path.replacing("{job}", with: "job-nothing")
                let request = HTTPServerRequest(method: "OPTIONS", target: target)
                let answer = await router.respond(to: request, from: .process(pid: getpid()))
                #expect(answer.status == 204, "\(path)")
                #expect(answer.headers["Allow"]?.contains(method.uppercased()) == true, "\(method) \(path)")
            }
        }
    }

    private static let program: String = {
        let here = getcwd(nil, 0)
        defer { free(here) }
        return (here.map { String(cString: $0) } ?? "") + "/.build/python/bin/openapi-spec-validator"
    }()

    @Test(
        "the OpenAPI validator of PyPI accepts it",
        .enabled(
            if: access(OpenAPITests.program, X_OK) == 0,
            "openapi-spec-validator is missing: Scripts/python-clients gets it"))
    func validator() async throws {
        let home = try RESTHome()
        let file = home.path + "/openapi.json"
        try ProtectedFile.replace(file, with: JSONWriter.bytes(.object(Self.document)))
        let outcome = try await ChildProcess.run(
            ChildCommand(Self.program, [file], environment: home.environment), input: [], limit: 1 << 20,
            timeout: .seconds(300))
        #expect(
            outcome.exit.code == 0,
            "\(String(decoding: outcome.output, as: UTF8.self))\(String(decoding: outcome.error, as: UTF8.self))")
    }
}
