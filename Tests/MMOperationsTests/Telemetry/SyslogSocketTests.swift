import Glibc
import Testing

@testable import MMOperations

@Suite("Sockets to syslog servers", .timeLimit(.minutes(5)))
struct SyslogSocketTests {
    @Test("a connection that leads to itself is told from one to a server", arguments: [true, false])
    func ownPeer(_ isOwn: Bool) throws {
        let server = try SyslogServer(.tcp)
        defer { server.stop() }
        let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(number) }
        var near = sockaddr_in()
        near.sin_family = sa_family_t(AF_INET)
        near.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var size = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isConnected = withUnsafeMutablePointer(to: &near) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                guard bind(number, place, size) == 0, getsockname(number, place, &size) == 0 else { return false }
                if !isOwn { pointer.pointee.sin_port = server.port.bigEndian }
                return connect(number, place, size) == 0
            }
        }
        #expect(isConnected)
        #expect(SyslogSocket.isOwnPeer(number) == isOwn)
    }
}
