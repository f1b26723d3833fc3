import Glibc
import Testing

/// A loopback address that no other program uses, for the servers of one test: a port that is free there stays free
/// until a server listens.
struct OwnAddress {
    var host = "127." + (0..<3).map { _ in "\(UInt8.random(in: 64...191))" }.joined(separator: ".")

    /// Different free ports.
    func ports(_ count: Int) throws -> [UInt16] {
        // Hold all of them until the last is found.
        var sockets: [Int32] = []
        defer { for number in sockets { close(number) } }
        return try (0..<count).map { _ in
            let number = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
            sockets.append(number)
            var address = sockaddr_in()
            address.sin_family = sa_family_t(AF_INET)
            address.sin_addr.s_addr = inet_addr(host)
            var size = socklen_t(MemoryLayout<sockaddr_in>.size)
            let isBound = withUnsafeMutablePointer(to: &address) { pointer in
                pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { place in
                    bind(number, place, size) == 0 && getsockname(number, place, &size) == 0
                }
            }
            try #require(isBound)
            return UInt16(bigEndian: address.sin_port)
        }
    }
}
