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
$guests = Get-MgUser -Filter "userType eq 'Guest'" -All -Property Id, DisplayName, Mail, CreatedDateTime
foreach ($guest in $guests) {
    [PSCustomObject]@{ Name = $guest.DisplayName; Mail = $guest.Mail; Created = $guest.CreatedDateTime }
}
Disconnect-MgGraph | Out-Null
