// Reads a collection of Microsoft Graph as the account of a connection.
//
//     swift run OneShotGraph CONNECTION [ENDPOINT]
import Glibc
import MMCore
import MMGraph

do throws(MMError) {
    let words = CommandLine.arguments.dropFirst()
    guard let name = words.first else {
        print("usage: OneShotGraph CONNECTION [ENDPOINT]")
        exit(2)
    }
    // The first time a person has to approve a code; later the stored sign-in is used.
    let graph = try GraphClient(
        connection: name,
        signIn: .deviceCode { prompt in
            print(prompt.message)
            // Flush even if the output goes to a pipe: a person waits for the code.
            fflush(nil)
        })
    let me = try await graph.get("/me", query: ["$select": "userPrincipalName"])
    print("Signed in as \(me["userPrincipalName"]?.string ?? "an application")")

    struct User: Decodable {
        let displayName: String
        let userPrincipalName: String?
    }
    if let endpoint = words.dropFirst().first {
        for try await item in graph.pages(endpoint, top: 100) { print(item) }
    } else {
        for try await user in graph.pages(
            "/users", select: ["displayName", "userPrincipalName"], top: 100, as: User.self)
        {
            print("\(user.displayName) \(user.userPrincipalName ?? "")")
        }
    }
} catch {
    print(error.description)
    exit(error.exitCode)
}
