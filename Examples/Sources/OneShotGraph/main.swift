// Reads a collection of Microsoft Graph, page by page, as the account of a connection.
//
//     swift run OneShotGraph CONNECTION [ENDPOINT]
import Glibc
import MMCore
import MMGraph
import MMIdentity

/// The variables of this process.
func environment() -> [String: String] {
    var variables: [String: String] = [:]
    var entry = environ
    while let text = entry.pointee {
        let parts = String(cString: text).split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
        if parts.count == 2 { variables[String(parts[0])] = String(parts[1]) }
        entry += 1
    }
    return variables
}

do throws(MMError) {
    let words = CommandLine.arguments.dropFirst()
    guard let name = words.first else {
        print("usage: OneShotGraph CONNECTION [ENDPOINT]")
        exit(2)
    }
    let endpoint = words.dropFirst().first ?? "/users?$select=displayName,userPrincipalName&$top=25"

    let variables = environment()
    let registry = ConnectionRegistry(path: StatePaths(environment: variables).registry)
    let connection = try registry.snapshot().connection(named: name)
    let identity = IdentityService(environment: variables)

    // The first time a person approves a code; afterwards the cached sign-in answers at once.
    let account = try await identity.signIn(connection) { prompt in
        print("Open \(prompt.verificationURI) and enter \(prompt.userCode).")
        // Also where the output goes to a pipe: somebody waits for the code.
        fflush(nil)
    }
    print("Signed in as \(account.username)")

    let graph = try GraphClient(identity: identity, connection: connection)
    let request = try GraphRequest(target: graph.target(endpoint))
    for try await page in graph.pages(request, limits: PageLimits(items: 100)) {
        for item in page.items { print(String(decoding: item, as: UTF8.self)) }
    }
} catch {
    print(error.description)
    exit(error.exitCode)
}
