import CMMSystem
import Glibc
package import MMCore

/// Our end of a pseudo-terminal.
package final class PseudoTerminal: Sendable {
    /// What the programs in it write.
    package let output: PolledReader
    /// What is typed into it.
    package let input: PolledWriter
    /// The path of the end that programs use.
    package let path: String
    private let master: FileDescriptor

    /// A pseudo-terminal of this size, and the descriptor of the end that programs use, which is the caller's.
    /// - Throws: `.unavailable` when there are no more of them.
    package static func open(_ size: Terminal.Size) throws(MMError) -> (terminal: PseudoTerminal, slave: Int32) {
        var room = [CChar](repeating: 0, count: 256)
        let raw = mm_open_pty(&room, room.count)
        guard raw >= 0 else { throw SystemError.error("Opening a pseudo-terminal") }
        let master = FileDescriptor(owning: raw)
        let path = String(decoding: room.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        _ = mm_set_window_size(raw, UInt16(clamping: size.rows), UInt16(clamping: size.columns))
        let slave = mm_open_terminal(path)
        guard slave >= 0 else { throw SystemError.error("Opening \(path)") }
        do throws(MMError) {
            return (try PseudoTerminal(master, path: path), slave)
        } catch {
            close(slave)
            throw error
        }
    }

    private init(_ master: consuming FileDescriptor, path: String) throws(MMError) {
        output = try PolledReader(try master.duplicate())
        input = try PolledWriter(try master.duplicate())
        self.master = master
        self.path = path
    }

    /// Changes the size and tells the programs in it.
    package func resize(_ size: Terminal.Size) {
        _ = mm_set_window_size(master.raw, UInt16(clamping: size.rows), UInt16(clamping: size.columns))
    }

    /// The size as it stands.
    package var size: Terminal.Size? { Terminal.size(of: master.raw) }
}
