// Shows who is signed in to each connection, and signs in to the one that is named. It uses the same token cache as mm.
//
//     swift run WhoIsSignedIn [CONNECTION]
import Glibc
import MMCore
import MMIdentity

do throws(MMError) {
    let snapshot = try ConnectionRegistry().snapshot()
    let identity = IdentityService()
    if let name = CommandLine.arguments.dropFirst().first {
        let connection = try snapshot.connection(named: name)
        if case .signedOut = await identity.state(of: connection) {
            // Returns after a person has approved the code.
            let account = try await identity.signIn(connection) { prompt in
                print(prompt.message)
                fflush(nil)
            }
            print("Signed in as \(account.title)")
        }
        let token = try await identity.token(for: connection, resource: .graph)
        print("A token of \(token.account.title), good until \(token.expiresAt.iso8601)")
    } else {
        for connection in snapshot.connections {
            switch await identity.state(of: connection) {
            case .signedIn(let account, _): print("\(connection.name): \(account.title)")
            case .signedOut: print("\(connection.name): nobody")
            default: print("\(connection.name): waits for a person")
            }
        }
    }
} catch {
    print(error.description)
    exit(error.exitCode)
}
