package cluster

import (
	"context"
	"fmt"
	"strconv"

	metav1 "k8s.io/apimachinery/pkg/apis/meta/v1"
	"k8s.io/apimachinery/pkg/util/json"
	"k8s.io/client-go/kubernetes/scheme"
	"k8s.io/client-go/rest"
	"sigs.k8s.io/controller-runtime/pkg/client"
)

// Reader lists the kinds of the table from the API server itself. It needs no discovery: the table says where each kind
// is, and a kind that is not there answers 404.
type Reader struct {
	client rest.Interface
	// known returns the object of that name and version that somebody holds already, or nil.
	known func(resource Resource, namespace, name, version string) client.Object
}

// NewReader returns a Reader. It calls nobody yet.
func NewReader(config *rest.Config) (*Reader, error) {
	config = rest.CopyConfig(config)
	config.NegotiatedSerializer = scheme.Codecs.WithoutConversion() // decodes the API server's errors
	config.ContentType, config.AcceptContentTypes = "application/json", "application/json"
	httpClient, err := NewHTTPClient(config)
	if err != nil {
		return nil, err
	}
	api, err := rest.UnversionedRESTClientForConfigAndClient(config, httpClient)
	if err != nil {
		return nil, fmt.Errorf("build the client of the API server: %w", err)
	}
	return &Reader{client: api, known: func(Resource, string, string, string) client.Object { return nil }}, nil
}

// Page asks for at most limit objects of a kind, those that follow where the Continue of the page before says so, and
// returns them trimmed. Its errors are those of the API server's client, such as apierrors.IsForbidden knows them, or say
// that the answer was no list.
func (r *Reader) Page(ctx context.Context, resource Resource, limit int64, next string) ([]client.Object, metav1.ListMeta, error) {
	request := r.client.Get().AbsPath(resource.Path())
	for name, value := range resource.Select.parameters() {
		request.Param(name, value)
	}
	return r.page(ctx, request, resource, limit, next)
}

// acceptMetadata asks for a list of objects without anything but their metadata.
const acceptMetadata = "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1"

// pageOf is Page for one place of a kind that is granted.
func (r *Reader) pageOf(ctx context.Context, resource Resource, place Place, limit int64, next string) ([]client.Object, metav1.ListMeta, error) {
	request := r.client.Get().AbsPath(resource.pathIn(place.Namespace))
	for name, value := range place.parameters() {
		request.Param(name, value)
	}
	if place.MetadataOnly {
		request.SetHeader("Accept", acceptMetadata)
	}
	return r.page(ctx, request, resource, limit, next)
}

func (r *Reader) page(ctx context.Context, request *rest.Request, resource Resource, limit int64, next string) ([]client.Object, metav1.ListMeta, error) {
	request.Param("limit", strconv.FormatInt(limit, 10))
	if next != "" {
		request.Param("continue", next)
	}
	body, err := request.Stream(ctx)
	if err != nil {
		return nil, metav1.ListMeta{}, err
	}
	defer body.Close()
	var objects []client.Object
	decoder, whole := listDecoder{from: body}, resource.newObject()
	list, err := decoder.decode(func(text, metadata []byte) error {
		if held := r.held(resource, metadata); held != nil {
			objects = append(objects, held)
			return nil
		}
		if err := json.Unmarshal(text, whole); err != nil {
			return fmt.Errorf("decode an object: %w", err)
		}
		objects = append(objects, resource.takeFrom(whole))
		return nil
	})
	if err != nil {
		return nil, metav1.ListMeta{}, fmt.Errorf("read the list of %s: %w", resource.Kind, err)
	}
	return objects, list, nil
}

// held returns the object that the metadata belong to, where somebody holds it in that very version; nil otherwise.
func (r *Reader) held(resource Resource, metadata []byte) client.Object {
	var m struct {
		Name            string `json:"name"`
		Namespace       string `json:"namespace"`
		ResourceVersion string `json:"resourceVersion"`
	}
	if len(metadata) == 0 || json.Unmarshal(metadata, &m) != nil || m.Name == "" || m.ResourceVersion == "" {
		return nil
	}
	return r.known(resource, m.Namespace, m.Name, m.ResourceVersion)
}
