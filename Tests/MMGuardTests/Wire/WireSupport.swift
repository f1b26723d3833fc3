import MMCore
import MMGuard

/// Requests at the wire for tests.
enum Wire {
    static func origin(_ service: RequestService?) -> String {
        switch service {
        case .graph: "https://graph.microsoft.com"
        case .flow: "https://api.flow.microsoft.com"
        case .arm: "https://management.azure.com"
        case .exchange: "https://outlook.office365.com"
        case .bap: "https://api.bap.microsoft.com"
        case .powerApps: "https://api.powerapps.com"
        case .sharePoint: "https://contoso.sharepoint.com"
        case .teams: "https://api.interfaces.records.teams.microsoft.com"
        case .powerPlatform: "https://api.powerplatform.com"
        case .dataverse: "https://contoso.crm.dynamics.com"
        case .keyVault: "https://contoso.vault.azure.net"
        case .storage: "https://contoso.blob.core.windows.net"
        case .signIn: "https://login.microsoftonline.com"
        case nil: "https://api.contoso.com"
        }
    }

    static func request(
        _ service: RequestService?, _ method: String, _ target: String, _ body: String = "",
        headers: [(String, String)] = []
    ) -> WireRequest {
        var fields = headers.map { WireRequest.Field($0.0, $0.1) }
        if !body.isEmpty, !headers.contains(where: { $0.0.lowercased() == "content-type" }) {
            fields.append(WireRequest.Field("Content-Type", "application/json"))
        }
        return WireRequest(
            service: service, origin: origin(service), method: method, target: target, headers: fields,
            body: body.isEmpty ? .none : .whole(Array(body.utf8)))
    }

    static func intent(
        _ service: RequestService?, _ method: String, _ target: String, _ body: String = "",
        headers: [(String, String)] = []
    ) -> RequestIntent {
        GuardEngine.standard.intent(of: request(service, method, target, body, headers: headers))
    }

    static func cmdlet(_ name: String, _ parameters: String = "{}") -> String {
        #"{"CmdletInput":{"CmdletName":"\#(name)","Parameters":\#(parameters)}}"#
    }

    /// A request to SharePoint's object interface.
    static func objects(_ actions: String, _ paths: String) -> String {
        #"<Request AddExpandoFieldTypeSuffix="true" SchemaVersion="15.0.0.0" LibraryVersion="16.0.0.0" ApplicationName="x" xmlns="http://schemas.microsoft.com/sharepoint/clientquery/2009"><Actions>\#(actions)</Actions><ObjectPaths>\#(paths)</ObjectPaths></Request>"#
    }

    static let current = #"<StaticProperty Id="0" TypeId="{3747adcd-a3c3-41b9-bfab-4a64dd2f1e0a}" Name="Current" />"#
    static let web = current + #"<Property Id="1" ParentId="0" Name="Web" />"#
    static let list =
        web
        + #"<Property Id="2" ParentId="1" Name="Lists" /><Method Id="3" ParentId="2" Name="GetByTitle"><Parameters><Parameter Type="String">Docs</Parameter></Parameters></Method>"#
}
