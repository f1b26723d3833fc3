import MMCore
import MMOperations

extension MMError {
    /// The answer of the earlier servers for a PowerShell command that only wrote errors: they treated it as carried
    /// out.
    var earlierAnswer: OperationAnswer? {
        guard details["engine"] == "pwsh", details["errors"] != nil, let notes = details["notes"]?.array else {
            return nil
        }
        return OperationAnswer(.value(.array([])), notes: notes.compactMap(\.string))
    }
}
