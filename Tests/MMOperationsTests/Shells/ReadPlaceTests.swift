import MMCore
import MMShell
import Testing

@testable import MMOperations

@Suite("Whose file or screen is read")
struct ReadPlaceTests {
    private func input(_ place: ShellPlace, _ arguments: JSONObject) throws -> ShellRead.Input {
        let operation = ShellRead(place: place)
        return try operation.input(
            from: InputReader(operation: "read", arguments: arguments, fields: operation.fields))
    }

    @Test("the first word names the host or the session of a file, as in `mm ssh read web1 --path /etc/hosts`")
    func word() throws {
        let remote = try input(.ssh, ["job": "web1", "path": "/etc/hosts"])
        #expect(remote.job == nil)
        guard case .host(let target, further: nil)? = remote.session else { throw MMError(.internalError, "no host") }
        #expect(target.host == "web1")
        let local = try input(.shell, ["job": "build", "path": "/etc/hosts"])
        guard case .local("build")? = local.session else { throw MMError(.internalError, "no session") }
        #expect(try input(.ssh, ["job": "web1", "stream": "display"]).job == nil)
    }

    @Test("a handle stays a handle, and a host that is named counts")
    func handle() throws {
        #expect(try input(.ssh, ["job": "cmd-x"]).job == "cmd-x")
        let named = try input(.ssh, ["host": "web2", "path": "/x"])
        guard case .host(let target, further: nil)? = named.session else { throw MMError(.internalError, "no host") }
        #expect(target.host == "web2")
    }
}
