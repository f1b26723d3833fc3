/// The dialogs of Windows in which a person chooses a file; here the person is asked without a window.
enum FileDialog {
    private static let prefix = "System.Windows.Forms."
    private static let folder = "FolderBrowserDialog"
    private static let names = ["SaveFileDialog", "OpenFileDialog", folder]

    /// Returns whether a type, as written, is one of them.
    static func isOne(_ written: String) -> Bool { name(written) != nil }

    private static func name(_ written: String) -> String? {
        names.first {
            (prefix + $0).lowercased() == written.lowercased()
                || ("Windows.Forms." + $0).lowercased() == written.lowercased()
        }
    }

    /// Creates a dialog that isn't shown yet.
    static func made(_ written: String) -> PSValue {
        let texts = [
            "InitialDirectory", "Filter", "FileName", "Title", "DefaultExt", "Description", "SelectedPath",
            "RootFolder",
        ]
        let flags = [
            "RestoreDirectory", "OverwritePrompt", "CheckPathExists", "CheckFileExists", "AddExtension", "ShowHelp",
            "Multiselect", "CreatePrompt", "ValidateNames", "ShowNewFolderButton",
        ]
        let pairs: [(String, PSValue)] =
            texts.map { ($0, .string("")) } + flags.map { ($0, .bool(false)) } + [("FilterIndex", .int(1))]
        return PSObject(pairs, typeName: prefix + (name(written) ?? ""), isCustom: false).map { .object($0) } ?? .null
    }

    /// Calls a method of a dialog; `nil` for any other object.
    static func call(
        _ target: PSObject, _ method: String, _ arguments: [PSValue], in evaluator: Evaluator
    ) throws(Interrupt) -> PSValue? {
        guard target.typeName.hasPrefix(prefix), names.contains(String(target.typeName.dropFirst(prefix.count))),
            let host = evaluator.host
        else { return nil }
        switch method {
        // Any folder is within the run's folder.
        case "showdialog" where target.typeName == prefix + folder:
            let path = target["SelectedPath"]?.text ?? ""
            _ = target.set("SelectedPath", .string(path.isEmpty ? "." : path))
            return .string("OK")
        case "showdialog":
            let title = target["Title"]?.text ?? ""
            var file = target["FileName"]?.text ?? ""
            if file.isEmpty {
                evaluator.endLine()
                file = try host.answer(
                    "FileName", question: title.isEmpty ? "The name of the file" : title, in: evaluator
                )
            }
            _ = target.set("FileName", .string(file))
            return .string(file.isEmpty ? "Cancel" : "OK")
        case "dispose": return .nothing
        default: return nil
        }
    }
}
