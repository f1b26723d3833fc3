Param
(
    [switch]$CreateSession,
    [string]$TenantId,
    [string]$ClientId,
    [string]$CertificateThumbprint
)
Function Connect_MgGraph
{
 $Module=Get-Module -Name microsoft.graph -ListAvailable
 if($Module.count -eq 0)
 {
  Write-Host Microsoft Graph PowerShell SDK is not available -ForegroundColor yellow
  Install-Module Microsoft.Graph -Repository PSGallery -Scope CurrentUser -AllowClobber -Force
 }
 if($CreateSession.IsPresent)
 {
  Disconnect-MgGraph
 }
 Write-Host Connecting to Microsoft Graph...
 if(($TenantId -ne "") -and ($ClientId -ne "") -and ($CertificateThumbprint -ne ""))
 {
  Connect-MgGraph -TenantId $TenantId -AppId $ClientId -CertificateThumbprint $CertificateThumbprint -NoWelcome
 }
 else
 {
  Connect-MgGraph -Scopes "User.Read.All","AuditLog.read.All" -NoWelcome
 }
}
Connect_MgGraph
$soon = (Get-Date).AddDays(30)
Get-MgApplication -All | ForEach-Object {
    $app = $_
    $app.PasswordCredentials | Where-Object { $_.EndDateTime -lt $soon } |
        Select-Object @{ n = 'App'; e = { $app.DisplayName } }, EndDateTime
}
Disconnect-MgGraph | Out-Null
