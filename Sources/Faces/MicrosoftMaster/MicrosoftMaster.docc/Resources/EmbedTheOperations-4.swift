import Glibc
import MMCore
import MMOperations

struct Asking: ConfirmingPerson {
    func showSignIn(_ details: JSONObject) async { print(details["message"]?.string ?? "") }

    func confirm(_ question: ConfirmationQuestion) async throws(MMError) -> Bool {
        print(question.title, question.reason, separator: "\n")
        for page in question.pages { print(page) }
        print("Go on? [y/N] ", terminator: "")
        return readLine()?.lowercased() == "y"
    }
}

let services = OperationServices()
let service = LocalOperationService(services: services)
let context = CallContext(
    caller: Caller(surface: .library, name: "tutorial", server: nil), waitsForSignIn: true, person: Asking())

do throws(MMError) {
    let answer = try await service.call(
        "graph_request",
        ["connection": "Contoso", "method": "PATCH", "endpoint": "/me", "body": ["officeLocation": "18/2111"]],
        in: context)
    for note in answer.notes { print(note) }
} catch {
    print(error.description)
    exit(error.exitCode)
}
await services.close()
