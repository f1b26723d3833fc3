package import PowerShellSyntax

/// What a script that changes something may use in the native engine. A report may use more; a script that makes
/// changes and uses anything else is run entirely by PowerShell instead.
///
/// Something is certain if it was compared with a real PowerShell. Beyond that, these are:
/// - what a published standard defines (Base64, UTF-8, codes of addresses and pages), where the engine hands over all
///   other input;
/// - random values and times, because PowerShell's own are others in each run;
/// - the run's files, its questions and its screen;
/// - names of errors and settings of the process, which decide nothing that is sent.
extension NativeEngine {
    /// PowerShell's own web commands.
    package static let webCommands: Set<String> = ["invoke-restmethod", "irm", "invoke-webrequest", "iwr"]

    /// Returns a description of the script's first construct whose meaning isn't certain; `nil` if all are.
    package static func unrecorded(in script: ParsedScript) -> String? {
        let items = ScriptFacts(of: script).items
        let own = Set(
            items.compactMap { item in
                if case .function(let name, _) = item.detail { name.lowercased() } else { nil }
            })
        for item in items {
            switch item.detail {
            case .command(let command):
                guard let name = command.name, !own.contains(name.lowercased()) else { continue }
                if webCommands.contains(name.lowercased()) { return "the command \(name)" }
                guard let known = Cmdlets.specification(of: name) else { continue }
                if !known.isCertain { return "the command \(known.name)" }
                if known.name == "New-Object", command.names("comobject"),
                    command.component.map(WindowsComponent.isKnown) != true
                {
                    return "New-Object -ComObject"
                }
                if known.name == "Select-Object", command.expandsBesideProperties {
                    return "Select-Object with -ExpandProperty beside other properties"
                }
                if known.name == "Add-Type", !command.names("assemblyname") { return "Add-Type with code" }
            case .typeDefinition: return "a class or enumeration of the script's own"
            case .using: return "using"
            case .type(let name, _) where name.lowercased().hasSuffix("pstypename"): return "the attribute \(name)"
            case .type(let name, _):
                if let type = PSType(written: name), !type.isCertain { return "the type \(name)" }
            case .member(let name?, true, _) where SystemTypes.isOfMachine(name): return "[Environment]::\(name)"
            default: continue
            }
        }
        return nil
    }
}

extension CommandSpecification {
    /// Commands whose output depends on the machine or was never recorded.
    private static let uncertain: Set<String> = [
        "ConvertFrom-StringData", "Get-Culture", "Get-MgEnvironment", "Get-TimeZone", "Select-Xml", "Update-TypeData",
    ]

    /// Whether its meaning is certain.
    fileprivate var isCertain: Bool {
        !Self.uncertain.contains(name) && !HostCommands.reportSpecifications.contains { $0.name == name }
    }
}

extension PSType {
    /// Whether the meaning of its members is certain.
    fileprivate var isCertain: Bool {
        switch self {
        case .anyenum, .enumerable, .guids, .sortedtable, .objectset, .single, .xml, .timezone, .mailaddress,
            .ipaddress, .concurrenttable, .dialogresult, .fileinfo, .datatable, .datacolumn, .moment, .thread,
            .md5, .sha1, .sha384, .sha512, .keyedsha256, .filereader, .textreader, .filewriter, .textwriter, .memory,
            .xmlconvert, .hosts, .process, .messagebox, .randomnumbers, .valuetype:
            false
        default: ![.queue, .stack, .bag].contains(listKind?.shape)
        }
    }
}

extension CommandFact {
    /// Whether `Select-Object` expands a property and adds others to its value, which a plain value here can't carry.
    /// Only the objects show whether the value is plain, perhaps after something was changed.
    fileprivate var expandsBesideProperties: Bool {
        guard names("expandproperty") else { return false }
        var isTaken = false
        for argument in arguments {
            switch argument {
            case .parameter(let name, let value):
                let lower = name.lowercased()
                if lower.count > 1, "property".hasPrefix(lower) { return true }
                isTaken = value == nil && !["unique", "wait", "caseinsensitive"].contains { $0.hasPrefix(lower) }
            case .value:
                if !isTaken { return true }
                isTaken = false
            }
        }
        return false
    }

    /// The constant name of the component that `New-Object` is asked for; `nil` if the text doesn't tell it.
    fileprivate var component: String? {
        guard case .string(let text)? = value(of: { $0.count > 2 && "comobject".hasPrefix($0) }) else { return nil }
        return text
    }

    /// Returns whether a parameter with this name, or with a prefix of it, is given.
    fileprivate func names(_ parameter: String) -> Bool {
        arguments.contains { argument in
            guard case .parameter(let name, _) = argument else { return false }
            return name.count > 2 && parameter.hasPrefix(name.lowercased())
        }
    }
}
