import CMMSystem
import Glibc
import TestSupport
import Testing

@testable import MMSystem

@Suite("Identifying the peer of a loopback connection", .timeLimit(.minutes(5)))
struct LoopbackPeerTests {
    /// Loopback addresses, including IPv6 if available.
    private static let newer: [(String, String?)] = {
        if Resources.contents("/proc/net/if_inet6")?.contains(" lo") == true {
            return [("::1", nil), ("127.0.0.1", "::ffff:127.0.0.1")]
        }
        print("skipped: peers at ::1: there is no IPv6 here")
        return []
    }()

    private struct Ends: ~Copyable {
        let near: FileDescriptor
        let far: FileDescriptor
        let address: String
        let port: UInt16
        let localAddress: String
        let localPort: UInt16

        func user() -> UInt32? {
            LoopbackPeer.user(address: address, port: port, localAddress: localAddress, localPort: localPort)
        }
    }

    private func connect(_ address: String, as reached: String? = nil) throws -> Ends {
        var port: UInt16 = 0
        let listener = FileDescriptor(owning: mm_tcp_listen(address, &port, 8))
        try #require(listener.raw >= 0)
        let target = reached ?? address
        let isV6 = target.contains(":")
        let far = FileDescriptor(owning: socket(isV6 ? AF_INET6 : AF_INET, Int32(SOCK_STREAM.rawValue), 0))
        let result: Int32
        if isV6 {
            var end = sockaddr_in6()
            end.sin6_family = sa_family_t(AF_INET6)
            end.sin6_port = port.bigEndian
            inet_pton(AF_INET6, target, &end.sin6_addr)
            result = withUnsafePointer(to: &end) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(far.raw, $0, socklen_t(MemoryLayout<sockaddr_in6>.size))
                }
            }
        } else {
            var end = sockaddr_in()
            end.sin_family = sa_family_t(AF_INET)
            end.sin_port = port.bigEndian
            inet_pton(AF_INET, target, &end.sin_addr)
            result = withUnsafePointer(to: &end) {
                $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                    Glibc.connect(far.raw, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
                }
            }
        }
        try #require(result == 0)
        let near = FileDescriptor(owning: mm_accept(listener.raw))
        let raw = near.raw
        func end(_ peer: Int32) -> (String, UInt16) {
            var text = [CChar](repeating: 0, count: 64)
            var port: UInt16 = 0
            _ = mm_socket_address(raw, peer, &text, text.count, &port)
            return (String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self), port)
        }
        let (farAddress, farPort) = end(1)
        let (nearAddress, nearPort) = end(0)
        return Ends(
            near: near, far: far, address: farAddress, port: farPort, localAddress: nearAddress, localPort: nearPort)
    }

    @Test(
        "a connected peer is found by its address and port",
        arguments: [("127.0.0.1", nil), ("127.8.9.1", nil)] + newer)
    func connected(address: String, from client: String?) async throws {
        let ends = try connect(address, as: client)
        #expect(ends.user() == geteuid())
        let far = try #require(IPAddress(ends.address))
        let near = try #require(IPAddress(ends.localAddress))
        #expect(LoopbackPeer.userFromProcNet(far, ends.port, near, ends.localPort) == geteuid())
        #expect(
            LoopbackPeer.user(
                address: ends.address, port: ends.port, localAddress: ends.localAddress,
                localPort: ends.localPort ^ 1) == nil)
        func holders() -> Set<Int32> {
            Set(
                LoopbackPeer.processes(
                    address: ends.address, port: ends.port, localAddress: ends.localAddress, localPort: ends.localPort))
        }
        #expect(holders().contains(getpid()))
        // A child that another test has just started shares the socket until it runs its program.
        #expect(await eventually { holders() == [getpid()] })
    }

    @Test("a peer that has closed is nobody, although the kernel attributes its socket to root")
    func closed() throws {
        let ends = try connect("127.0.0.1")
        shutdown(ends.far.raw, Int32(SHUT_RDWR))
        #expect(ends.user() == nil)
    }

    @Test("a peer on another machine is nobody")
    func elsewhere() {
        #expect(LoopbackPeer.user(address: "192.0.2.1", port: 80, localAddress: "127.0.0.1", localPort: 80) == nil)
        #expect(LoopbackPeer.user(address: "127.0.0.1", port: 80, localAddress: "192.0.2.1", localPort: 80) == nil)
        #expect(LoopbackPeer.user(address: "::ffff:192.0.2.1", port: 1, localAddress: "::1", localPort: 1) == nil)
        #expect(LoopbackPeer.user(address: "localhost", port: 1, localAddress: "::1", localPort: 1) == nil)
    }

    @Test("only an established row with an inode counts")
    func rows() {
        let own = "0100007F:9C40"
        let remote = "0100007F:1450"
        func table(_ state: String, _ inode: String, uid: String = "1000") -> [UInt8] {
            Array(
                """
                  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
                   0: 0100007F:1450 0100007F:9C40 01 00000000:00000000 00:00000000 00000000     7        0 11 1 0 20 4
                   1: \(own) \(remote) \(state) 00000000:00000000 00:00000000 00000000  \(uid)        0 \(inode) 1 0 20 4
                """.utf8)
        }
        #expect(
            LoopbackPeer.socket(inRows: table("01", "12345"), own: own, remote: remote)
                == .init(user: 1000, inode: "12345"))
        #expect(LoopbackPeer.socket(inRows: table("06", "0", uid: "0"), own: own, remote: remote) == nil)
        #expect(LoopbackPeer.socket(inRows: table("01", "0", uid: "0"), own: own, remote: remote) == nil)
        #expect(LoopbackPeer.socket(inRows: [], own: own, remote: remote) == nil)
    }
}
