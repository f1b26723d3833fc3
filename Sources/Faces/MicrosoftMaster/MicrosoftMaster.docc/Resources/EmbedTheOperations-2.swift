import MMCore
import MMOperations

let services = OperationServices()
let service = LocalOperationService(services: services)
let context = CallContext(caller: Caller(surface: .library, name: "tutorial", server: nil))

let answer = try await service.call("graph_request", ["connection": "Contoso", "endpoint": "/users"], in: context)
switch answer.body {
case .value(let value): print(value)
case .json(let bytes): print(String(decoding: bytes, as: UTF8.self))
case .text(let text): print(text)
case .bytes(let bytes, let contentType): print("\(bytes.count) bytes of \(contentType)")
case .items(let items), .output(let items):
    while let batch = try await items.next() {
        for item in batch { print(String(decoding: item, as: UTF8.self)) }
    }
}
await services.close()
