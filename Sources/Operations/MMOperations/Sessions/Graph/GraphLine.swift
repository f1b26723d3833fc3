package import MMCore
import MMGuard
import MMNative

/// A command line of one cmdlet of Graph's modules, for those who only want to see its request.
package enum GraphLine {
    /// The request; `nil` for other cmdlets.
    /// - Throws: `invalidInput` with PowerShell's own words for arguments that don't fit.
    package static func request(of line: String) throws(MMError) -> JSONObject? {
        guard let call = CmdletCall(line: line) else { return nil }
        let binder = GraphBinder()
        guard binder.knows(call.name) else { return nil }
        do throws(GraphBinder.Fault) { return try binder.bind(call).json } catch {
            switch error {
            case .refused(let record): throw MMError(.invalidInput, record.message, details: ["id": .string(record.id)])
            case .beyond(let reason): throw MMError(.unsupported, "\(reason): only PowerShell has it.")
            }
        }
    }
}
