internal import MMCore
internal import PowerShellSyntax

extension ScriptWalk {
    /// Reports parameters that make a cloud cmdlet use files of this machine, other hosts or another sign-in.
    /// - Parameter isRequest: whether the cmdlet sends an arbitrary request, so that its values are addresses rather
    ///   than paths.
    mutating func checkCloudParameters(_ call: CommandCall, isRequest: Bool = false) {
        let entry = call.entry
        let isModuleOfItsOwn = entry.product != .exchange
        for (index, argument) in call.arguments.enumerated() {
            if !isRequest { checkLocalText(call, index) }
            // In Exchange "proxy" means a mailbox's proxy addresses, so its cmdlets are left out.
            if isModuleOfItsOwn, let written = argument.written, argument.mayBe(oneOf: Self.ofTraffic) {
                report(.networkParameter, argument.extent, subject: "-" + written)
            } else if [.azure, .pnp, .graph].contains(entry.product), let written = argument.written,
                argument.mayBe(oneOf: Self.signIns), call.constant(index) == .dynamic
            {
                report(.otherSession, argument.extent, subject: "-" + written)
            } else if argument.mayBe(oneOf: ["headers", "additionalheaders"]), isModuleOfItsOwn {
                checkHeaders(argument)
            } else if !isRequest, isLocalFileParameter(argument, entry), isModuleOfItsOwn || entry.classes != .read {
                checkLocalFile(call, index)
            }
        }
        if !isRequest { checkUpload(call) }
        checkChosenContext(call)
    }

    /// Checks the context of `Set-AzContext`, which selects a subscription of the current sign-in: a given context may
    /// belong to another sign-in.
    private mutating func checkChosenContext(_ call: CommandCall) {
        guard call.command.name == "set-azcontext" else { return }
        let positional = call.arguments.indices.filter { call.arguments[$0].written == nil }
        let given = positional.map { call.values[$0] } + (call.place > 0 ? [call.input] : [])
        if given.contains(where: {
            !$0.kinds.isDisjoint(with: [.contexts, .tenants]) && !(context.isBehindWire && $0.isUnknown)
        }) {
            report(.otherSession, call.extent, subject: "-Context")
        }
    }

    /// The parameters that send the traffic elsewhere, or run code on it.
    private static let ofTraffic = [
        "break", "httppipelineappend", "httppipelineprepend", "launch", "proxy", "proxycredential",
        "proxyusedefaultcredentials",
    ]

    /// The parameters that take another sign-in. PnP's `-Connection` is none of them: only `Connect-PnPOnline` makes a
    /// connection, which is judged where a script writes it, and PnP keeps none of earlier sign-ins, as Azure does.
    private static let signIns = ["defaultprofile", "azcontext", "azurermcontext", "azurecredential", "accesstoken"]

    /// Reports files from the pipeline, which an upload would send.
    private mutating func checkUpload(_ call: CommandCall) {
        guard call.place > 0, call.entry.classes != .read, call.input.kinds.contains(.files) else { return }
        let noun = call.command.name
        if !call.input.isUnknown || ["content", "file", "blob", "attachment"].contains(where: noun.contains) {
            report(.localPath, call.extent)
        }
    }

    /// Reports a constant that can only be a path on this machine, whatever the parameter is called.
    private mutating func checkLocalText(_ call: CommandCall, _ index: Int) {
        for text in call.constant(index).texts ?? [] where LocalPath.isForeign(text) {
            return report(.localPath, call.arguments[index].extent, subject: text)
        }
    }

    private mutating func checkHeaders(_ argument: BoundArgument) {
        guard let table = literalTable(argument.value) else { return report(.requestAddress, argument.extent) }
        for entry in table.entries {
            let key = ConstantValue(entry.key).text?.asciiLowercased
            if key.map({ $0.hasPrefix("x-http-method") || $0 == "x-method-override" }) ?? true {
                report(.requestAddress, argument.extent, subject: key)
            }
        }
    }

    private func isLocalFileParameter(_ argument: BoundArgument, _ entry: CmdletEntry) -> Bool {
        guard let name = argument.likelyName else { return false }
        if ["serverrelativepath", "siterelativepath", "folderpath", "termpath", "termsetpath"].contains(name) {
            return false
        }
        // The path of a blob, a share or a resource is a path in the service.
        if entry.product == .azure, name == "path", entry.classes == .read { return false }
        return name.hasSuffix("path") || name.hasSuffix("file") && !name.hasSuffix("profile")
            || name.hasSuffix("filename") || ["out", "destination", "outputfolder", "file"].contains(name)
            || (argument.isOpen && argument.mayBe(oneOf: ["outfile", "infile", "destination", "file", "localpath"]))
    }

    mutating func checkLocalFile(_ call: CommandCall, _ index: Int) {
        let argument = call.arguments[index]
        guard argument.value != nil else { return }
        guard let texts = call.constant(index).texts else { return report(.localPath, argument.extent) }
        for text in texts where !LocalPath.isInWorkFolder(text) { report(.localPath, argument.extent, subject: text) }
    }
}
