import MMCore
import MMOperations

let services = OperationServices()
let service = LocalOperationService(services: services)
let context = CallContext(caller: Caller(surface: .library, name: "tutorial", server: nil))

let answer = try await service.call("graph_request", ["connection": "Contoso", "endpoint": "/me"], in: context)
for note in answer.notes { print(note) }
await services.close()
