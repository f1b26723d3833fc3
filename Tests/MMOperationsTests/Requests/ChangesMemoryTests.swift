import Glibc
import MMCore
import TestSupport
import Testing

@testable import MMOperations

@Suite("Where reading changes stopped", .timeLimit(.minutes(5)))
struct ChangesMemoryTests {
    @Test("is kept privately, for each connection and query, until it is forgotten")
    func kept() throws {
        let home = try TestHome()
        func memory(_ connection: String, _ endpoint: String, _ principal: String? = nil) throws -> ChangesMemory {
            ChangesMemory(
                connection: try Connection(
                    name: connection, entry: ["appId": "5a1c9e70-2d34-4b6f-8e19-c0ffee5eed01", "tenant": "contoso.com"]),
                service: .graph, target: try RequestTarget(parsing: endpoint, service: .graph), principal: principal,
                paths: home.paths)
        }
        let users = try memory("A", "/users/delta")
        #expect(try users.read() == nil)
        try users.keep("https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x")
        #expect(
            try memory("A", "/users/delta").read()?.link == "https://graph.microsoft.com/v1.0/users/delta?$deltatoken=x"
        )
        #expect(try memory("B", "/users/delta").read() == nil)
        #expect(try memory("A", "/users/delta?$select=id").read() == nil)
        // Those who signed in to the server each read on where they stopped themselves.
        #expect(try memory("A", "/users/delta", "tenant/ada").read() == nil)
        try memory("A", "/users/delta", "tenant/ada").keep("https://graph.microsoft.com/v1.0/users/delta?$deltatoken=y")
        #expect(try memory("A", "/users/delta", "tenant/bea").read() == nil)
        #expect(try users.read()?.link.hasSuffix("x") == true)
        let folder = home.paths.stateDirectory + "/changes"
        for name in TestFolder.names(in: folder) {
            var status = stat()
            #expect(stat(folder + "/" + name, &status) == 0 && status.st_mode & 0o777 == 0o600)
        }
        try users.forget()
        #expect(try users.read() == nil)
    }
}
