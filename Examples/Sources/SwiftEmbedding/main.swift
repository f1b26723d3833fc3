// The operations of `mm` inside a program of yours: the same guard, the same sign-ins, the same audit log.
//
//     swift run SwiftEmbedding CONNECTION
import Glibc
import MMCore
import MMOperations

let services = OperationServices(environment: ProcessEnvironment.read())
let service = LocalOperationService(services: services)
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
        // Fetched while it is read: memory stays flat however long the list or the output is.
        while let batch = try await items.next() {
            for item in batch { print(String(decoding: item, as: UTF8.self)) }
        }
    }
} catch {
    // A sign-in that is needed or a confirmation is an error with code, address or token in its details.
    print(error.description)
    print(JSONValue.object(error.details))
}
await services.close()
