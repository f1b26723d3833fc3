// The operations of `mm` in your own program, with the same guard, sign-ins and audit log.
//
//     swift run SwiftEmbedding CONNECTION
import Glibc
import MMCore
import MMOperations

/// An operation of this program, which is called and audited like those of `mm`.
struct HostName: CatalogueOperation {
    struct Input: OperationInput {
        @Argument("short", "Without the domain.") var isShort: Bool
    }

    let declaration = OperationDeclaration(
        "host_name", command: ["host-name"], title: "Host name", summary: "Say which machine this is.",
        effects: .init(readOnly: true))

    func run(
        _ input: Input, in context: OperationContext, with services: Void
    ) async throws(MMError) -> OperationAnswer {
        var buffer = [CChar](repeating: 0, count: 256)
        gethostname(&buffer, buffer.count - 1)
        let name = String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        return .value(["name": .string(input.isShort ? String(name.prefix { $0 != "." }) : name)])
    }
}

let services = OperationServices()
let service = LocalOperationService(
    catalogue: Catalogue(Catalogue.standard.operations + [AnyOperation(HostName())]), services: services)
let context = CallContext(caller: Caller(surface: .library, name: "example", server: nil)) { report in
    print("… \(report.message)")
}

do throws(MMError) {
    guard let connection = CommandLine.arguments.dropFirst().first else {
        print("Operations:")
        for operation in service.catalogue.operations {
            print("  \(operation.declaration.name): \(operation.declaration.summary)")
        }
        exit(2)
    }
    let answer = try await service.call(
        "graph_request", ["connection": .string(connection), "endpoint": "/me"], in: context)
    for note in answer.notes { print(note) }
    switch answer.body {
    case .value(let value): print(value)
    case .json(let bytes): print(String(decoding: bytes, as: UTF8.self))
    case .text(let text): print(text)
    case .bytes(let bytes, let type): print("\(bytes.count) bytes of \(type)")
    case .items(let items), .output(let items):
        // Pages are fetched while they are read, so memory doesn't grow with the length of the output.
        while let batch = try await items.next() {
            for item in batch { print(String(decoding: item, as: UTF8.self)) }
        }
    }
} catch {
    // If a sign-in or a confirmation is needed, the details of the error have the code and address or the token.
    print(error.description)
    print(error.details)
}
await services.close()
