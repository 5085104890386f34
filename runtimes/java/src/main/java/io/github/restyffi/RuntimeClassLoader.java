package io.github.restyffi;

import org.jspecify.annotations.Nullable;

import java.io.File;
import java.io.IOException;
import java.io.InputStream;
import java.net.MalformedURLException;
import java.net.URL;
import java.net.URLClassLoader;
import java.net.URLConnection;
import java.util.ArrayList;
import java.util.List;

/**
 * Loads the classes of the author for one runtime, as they are on the class path now. So a runtime
 * has its own static fields, like a web application, and a reload brings new code. Runtimes share
 * only the classes of the JDK and of this package. This library drops the loader at the end of its
 * runtime.
 */
final class RuntimeClassLoader extends URLClassLoader {
    private static final String OURS = RuntimeClassLoader.class.getPackageName();

    /** Loads this package, and classes that agents add to the class path. */
    private static final ClassLoader SHARED = RuntimeClassLoader.class.getClassLoader();

    static {
        registerAsParallelCapable();
    }

    RuntimeClassLoader(String classPath) {
        super("ffi-java", urls(classPath), getPlatformClassLoader());
    }

    @Override
    protected Class<?> loadClass(String name, boolean resolve) throws ClassNotFoundException {
        if (name.startsWith(OURS) && name.lastIndexOf('.') == OURS.length()) {
            return SHARED.loadClass(name);
        }
        try {
            return super.loadClass(name, resolve);
        } catch (ClassNotFoundException e) {
            return SHARED.loadClass(name);
        }
    }

    /**
     * Bypasses the JDK's cache of jars: a new jar of the same name must be seen, and closing this
     * loader must not close the jar for others.
     */
    @Override
    public @Nullable InputStream getResourceAsStream(String name) {
        URL url = getResource(name);
        try {
            if (url == null) {
                return null;
            }
            URLConnection connection = url.openConnection();
            connection.setUseCaches(false);
            return connection.getInputStream();
        } catch (IOException e) {
            return null;
        }
    }

    private static URL[] urls(String classPath) {
        List<URL> urls = new ArrayList<>();
        try {
            for (String path : classPath.split(File.pathSeparator)) {
                urls.add(new File(path).toURI().toURL());
            }
        } catch (MalformedURLException e) {
            throw new IllegalArgumentException(
                    "the class path \"%s\" cannot be read".formatted(classPath), e);
        }
        return urls.toArray(URL[]::new);
    }
}
