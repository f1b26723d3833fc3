import CMMSystem
import Glibc
package import MMCore

/// The controlling end (master) of a pseudo-terminal.
package final class PseudoTerminal: Sendable {
    /// Reads what programs write to the terminal.
    package let output: PolledReader
    /// Writes what is typed into the terminal.
    package let input: PolledWriter
    /// The device path of the end that programs use (slave).
    package let path: String
    private let master: FileDescriptor

    /// Opens a pseudo-terminal of this size; the caller owns the returned descriptor of the slave end.
    /// - Throws: `.unavailable` when there are none left.
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

    /// Changes the size and notifies the programs in the terminal.
    package func resize(_ size: Terminal.Size) {
        _ = mm_set_window_size(master.raw, UInt16(clamping: size.rows), UInt16(clamping: size.columns))
    }

    /// The current size.
    package var size: Terminal.Size? { Terminal.size(of: master.raw) }
}
