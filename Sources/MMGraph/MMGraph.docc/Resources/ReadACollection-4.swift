import Glibc
import MMCore
import MMGraph

struct User: Decodable {
    let displayName: String
    let userPrincipalName: String?
}

do throws(MMError) {
    let graph = try GraphClient(
        connection: "Contoso",
        signIn: .deviceCode { prompt in print(prompt.message) })

    for try await user in graph.pages("/users", select: ["displayName", "userPrincipalName"], as: User.self) {
        print(user.displayName, user.userPrincipalName ?? "")
    }
} catch {
    print(error.message)
    if let hint = error.hint { print(hint) }
    exit(error.exitCode)
}
