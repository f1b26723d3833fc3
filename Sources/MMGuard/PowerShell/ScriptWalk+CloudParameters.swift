internal import PowerShellSyntax

extension ScriptWalk {
    /// Parameters that make a cloud cmdlet reach files of this machine, other hosts or another sign-in.
    mutating func checkCloudParameters(_ bound: [BoundArgument], entry: CmdletEntry) {
        for argument in bound {
            guard let written = argument.written?.asciiLowercased else { continue }
            let name = argument.name ?? written
            if name.hasPrefix("proxy") || name == "break" || name.hasPrefix("httppipeline") {
                // A proxy address of a mailbox is no network proxy.
                if entry.product != .exchange { report(.networkParameter, argument.extent, subject: "-" + name) }
            } else if ["defaultprofile", "azcontext", "connection", "environment"].contains(name),
                entry.product == .azure || entry.product == .pnp, ConstantValue(argument.value) == .dynamic
            {
                report(.otherSession, argument.extent, subject: "-" + name)
            } else if name.hasSuffix("variable"), entry.product != .exchange,
                argument.candidates.allSatisfy({ !$0.isCommon })
            {
                report(.variableParameter, argument.extent, subject: "-" + name)
            } else if name == "headers" || name == "additionalheaders" {
                checkHeaders(argument)
            } else if isLocalFileParameter(name), reachesFiles(entry) || writesLocalFile(bound, entry: entry) {
                checkLocalFile(argument)
            }
        }
    }

    private mutating func checkHeaders(_ argument: BoundArgument) {
        guard case .hashtable(let table)? = argument.value else { return report(.requestAddress, argument.extent) }
        for entry in table.entries {
            let key = ConstantValue(entry.key).text?.asciiLowercased
            if key.map({ $0.hasPrefix("x-http-method") || $0 == "x-method-override" }) ?? true {
                report(.requestAddress, argument.extent, subject: key)
            }
        }
    }

    /// Whether a cmdlet changes something: then a path may be a file that it uploads.
    private func reachesFiles(_ entry: CmdletEntry) -> Bool {
        entry.product != .builtin && !entry.lists.contains(.method) && entry.classes != .read
    }

    private func isLocalFileParameter(_ name: String) -> Bool {
        if ["serverrelativepath", "siterelativepath", "folderpath", "termpath", "termsetpath"].contains(name) {
            return false
        }
        return name.hasSuffix("path") || name.hasSuffix("file") || name.hasSuffix("filename")
            || ["out", "destination", "outputfolder", "file"].contains(name)
    }

    private mutating func checkLocalFile(_ argument: BoundArgument) {
        guard let value = argument.value else { return }
        guard let texts = ConstantValue(value).texts else { return report(.localPath, argument.extent) }
        for text in texts where !LocalPath.isInWorkFolder(text) { report(.localPath, argument.extent, subject: text) }
    }
}
