import MMCore
import MMDesk
import MMNative

/// A source that answers every cmdlet with nothing and remembers what was asked.
final class RequestRecorder: CmdletSource {
    private let service: ExchangeTable.Service
    private let binder: ExchangeBinder
    private let asked = Mutex<[ExchangeCommand]>([])

    init(service: ExchangeTable.Service) {
        self.service = service
        binder = ExchangeBinder(service: service)
    }

    var commands: [ExchangeCommand] { asked.withLock { $0 } }

    func knows(_ name: String) -> Bool { ExchangeTable.standard.knows(name, in: service) }

    func check(_ call: CmdletCall) throws(CmdletFault) { _ = try command(call) }

    func immediateOutput(_ call: CmdletCall) throws(CmdletFault) -> CmdletBatch? {
        let command = try command(call)
        asked.withLock { $0.append(command) }
        return CmdletBatch([])
    }

    func open(_ call: CmdletCall) async throws(CmdletFault) -> any CmdletRows {
        _ = try immediateOutput(call)
        return Nothing()
    }

    private func command(_ call: CmdletCall) throws(CmdletFault) -> ExchangeCommand {
        let bound: ExchangeCall
        do throws(BindingFault) {
            bound = try binder.bind(call)
        } catch {
            throw .failed(NativeError("\(error.id),\(call.name)", error.message, command: call.name))
        }
        do throws(MMError) {
            return try ExchangeCommands.command(of: bound, at: service)
        } catch {
            throw .failed(ExchangeRecord.of(error, cmdlet: call.name))
        }
    }

    private struct Nothing: CmdletRows {
        mutating func next() async throws(CmdletFault) -> CmdletBatch? { nil }
    }
}
